import ConvNet
import Files
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Descriptors

@Suite struct LLCTests {
  static func words(_ count: Int, seed: UInt64) -> [Float] {
    var chance = SeededGenerator(seed: seed)
    return (0..<count).flatMap { _ in
      let word = (0..<128).map { _ in max(0, chance.normal()) }
      let length = word.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return word.map { $0 / length }
    }
  }

  static func codebook(_ count: Int = 32) -> Codebook {
    Codebook(
      words: words(count, seed: 3),
      origin: .init(
        transform: .object([:]), decode: "exact", list: SHA256Digest(of: []), rows: 1,
        wordCount: count, sample: 100, seed: 3, iterations: 5, kernelClass: .baseline),
      outcome: .init(descriptors: 100, failedImages: 0, passes: 4, meanSquare: 0.25))
  }

  /// The weights solve the regularized problem: changing any two of them against each other by a little
  /// makes `|x − Σ w·b|² + λ·tr C·|w|²` no smaller.
  @Test func codesAreBestAmongTheirNeighbors() {
    let words = Self.words(40, seed: 5)
    let descriptors = Self.words(9, seed: 6)
    let codes = NearestWords(words, kernelClass: .baseline).codes(of: descriptors)
    #expect(codes.count == 45)
    for i in 0..<9 {
      let x = descriptors[i * 128..<(i + 1) * 128].map(Double.init)
      let squares = (0..<40).map { word in
        zip(words[word * 128..<(word + 1) * 128], x).reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) }
      }
      let code = Array(codes[i * 5..<(i + 1) * 5])
      let nearest = squares.indices.sorted { squares[$0] < squares[$1] }.prefix(5).sorted()
      #expect(code.map(\.word) == nearest)
      let weights = code.map { Double($0.weight) }
      #expect(abs(weights.reduce(0, +) - 1) < 1e-6)
      let trace = code.reduce(0) { $0 + squares[$1.word] }
      func cost(_ w: [Double]) -> Double {
        let rest = (0..<128).reduce(0.0) { sum, j in
          let made = (0..<5).reduce(0.0) { $0 + w[$1] * Double(words[code[$1].word * 128 + j]) }
          return sum + pow(x[j] - made, 2)
        }
        return rest + 1e-4 * trace * w.reduce(0) { $0 + $1 * $1 }
      }
      for a in 0..<5 {
        for b in 0..<a {
          for step in [-1e-3, 1e-3] {
            var changed = weights
            changed[a] += step
            changed[b] -= step
            #expect(cost(changed) >= cost(weights) - 1e-9)
          }
        }
      }
    }
  }

  @Test func aDescriptorThatIsAWordIsCodedByIt() {
    let words = Self.words(20, seed: 8)
    let codes = NearestWords(words, kernelClass: .baseline).codes(of: Array(words[..<128]))
    #expect(codes.max { $0.weight < $1.weight }?.word == 0)
    #expect(codes.first { $0.word == 0 }!.weight > 0.99)
  }

  @Test func equalWordsShareTheWeight() {
    #expect(SmallSystem.affineWeights([0, 0, 0, 0], size: 2) == [0.5, 0.5])
    let weights = SmallSystem.affineWeights([2, 0, 0, 6], size: 2)
    #expect(abs(weights[0] - 0.75) < 1e-15 && abs(weights[1] - 0.25) < 1e-15)
  }

  /// The program's own formula, in floating point, where it is not on an edge.
  @Test(arguments: [(300, 225), (16, 16), (97, 300)])
  func cellsAreTheProgramsOwn(width: Int, height: Int) {
    for y in DenseSIFT.places(height) {
      for x in DenseSIFT.places(width) {
        var expected: [Int] = []
        var first = 0
        for grid in [1, 2, 4] {
          let column = ((Double(x) + 8.5) / (Double(width) / Double(grid))).rounded(.up)
          let row = ((Double(y) + 8.5) / (Double(height) / Double(grid))).rounded(.up)
          expected.append(first + (Int(row) - 1) * grid + Int(column) - 1)
          first += grid * grid
        }
        #expect(LLC.cells(column: x, row: y, width: width, height: height) == expected)
      }
    }
  }

  @Test func rowsAreTheLargestCodesOfEachCell() {
    let codebook = Self.codebook()
    let map = DrawnImage.map(width: 70, height: 50)
    let llc = LLC(codebook)
    let output = FloatBuffer(count: llc.width)
    llc.makeWorkers(1, kernelClass: .baseline)[0].run(map, into: output, at: 0)
    let found = DenseSIFT().run(map)
    let codes = NearestWords(codebook.words, kernelClass: .baseline).codes(of: found.values)
    var expected = [Double](repeating: 0, count: llc.width)
    for patch in 0..<found.count {
      let cells = LLC.cells(
        column: found.columns[patch % found.columns.count],
        row: found.rows[patch / found.columns.count], width: 70, height: 50)
      for code in codes[patch * 5..<patch * 5 + 5] {
        for cell in cells {
          let place = cell * codebook.count + code.word
          expected[place] = max(expected[place], Double(code.weight))
        }
      }
    }
    let length = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
    for i in expected.indices {
      #expect(abs(Double(output[i]) - expected[i] / length) < 1e-6)
    }
  }

  @Test func codebooksComeBackAsTheyWereWritten() throws {
    try withTemporaryFolder { folder in
      let codebook = Self.codebook()
      try codebook.save("\(folder)/words.safetensors")
      let read = try Codebook.load("\(folder)/words.safetensors")
      #expect(read.words == codebook.words && read.origin == codebook.origin)
      #expect(read.outcome == codebook.outcome && read.sha256 == codebook.sha256)
      var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/words.safetensors")))
      bytes[bytes.count - 10] ^= 1
      try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/bad.safetensors"))
      let failure = #expect(throws: DescriptorError.self) {
        try Codebook.load("\(folder)/bad.safetensors")
      }
      #expect(failure?.description.contains("damaged") == true)
      #expect(throws: DescriptorError.missingCodebook(.llc)) {
        try DescriptorKind.llc.open(codebook: nil)
      }
    }
  }
}
