import Formats
import TestSupport
import Testing

@testable import ConvNet

/// Damaged files must end in an error or, where nothing tells the damage, in a model: never in a
/// crash, and soon.
@Suite struct DamagedModelTests {
  private static let bytes: [UInt8] = {
    var fixture = CaffeModelFixture(name: "CaffeNet", layers: [CaffeModelFixture.conv1])
    fixture.layers += [
      CaffeModelFixture.pooling("pool1"), CaffeModelFixture.normalization("norm1"),
    ]
    return fixture.bytes
  }()

  private func outcome(_ bytes: [UInt8], in folder: String) throws -> ModelError? {
    let path = try writeTestFile(bytes, "net.caffemodel", in: folder)
    do throws(ModelError) {
      _ = try Model.open(path)
      return nil
    } catch { return error }
  }

  @Test func everyCutOfACaffeModelIsNoticedOrHarmless() throws {
    let bytes = Self.bytes
    // From here on conv1 is complete, and a cut between two layers leaves a valid, shorter file.
    let complete = bytes.count - 75
    try withTemporaryFolder { folder in
      var harmless = 0
      let cuts =
        Array(0..<200) + Array(stride(from: 200, to: bytes.count - 200, by: 2003))
        + Array(bytes.count - 200..<bytes.count)
      for cut in cuts {
        let error = try outcome(Array(bytes[..<cut]), in: folder)
        if cut < complete - 20 { #expect(error != nil, "cut at \(cut)") }
        if error == nil { harmless += 1 }
        if cut > 1000, cut < complete - 20 {
          guard case .protobuf(.truncated)? = error else {
            Issue.record("cut at \(cut): \(String(describing: error))")
            continue
          }
        }
      }
      #expect(harmless <= 2)
    }
  }

  @Test func flippedBitsDoNotCrash() throws {
    let bytes = Self.bytes
    try withTemporaryFolder { folder in
      for position in Array(0..<60) + Array(bytes.count - 560..<bytes.count) {
        for bit in position < 60 ? [0, 1, 2, 3, 4, 5, 6, 7] : [1, 7] {
          var damaged = bytes
          damaged[position] ^= 1 << UInt8(bit)
          _ = try outcome(damaged, in: folder)
        }
      }
    }
  }

  @Test func lengthsBeyondAllBoundsAreRefused() throws {
    let huge = ProtobufEncoder.varint(-1)
    try withTemporaryFolder { folder in
      for key: [UInt8] in [[0xA2, 0x06], [0x12], [0x0A]] {
        let error = try outcome(key + huge + [1, 2], in: folder)
        guard case .protobuf(.truncated(_, _, _, .max, _))? = error else {
          Issue.record("a length of 2⁶⁴−1 was accepted")
          return
        }
      }
      let endless = [0x08] + [UInt8](repeating: 0xFF, count: 100)
      guard case .protobuf(.malformed)? = try outcome(endless, in: folder) else {
        Issue.record("an endless varint was accepted")
        return
      }
    }
  }

  @Test func countsAreLimited() throws {
    let layers = [[UInt8]](repeating: [0xA2, 0x06, 0x00], count: 20_000).flatMap { $0 }
    // One number, one ignored field, one number, …: every number is a piece of its own.
    let pieces = (0..<300_000).flatMap { _ in
      ProtobufEncoder.message {
        $0.float(5, 1)
        $0.text(99, "............")
      }
    }
    let net = ProtobufEncoder.message { net in
      net.message(100) { layer in
        layer.text(1, "conv1")
        layer.bytes(7, pieces)
      }
    }
    let shape = ProtobufEncoder.message { net in
      net.message(100) { layer in
        layer.message(7) { blob in
          blob.message(7) { $0.packed(1, [Int](repeating: 1, count: 1000)) }
        }
      }
    }
    try withTemporaryFolder { folder in
      for bytes in [layers, net, shape] {
        guard case .protobuf(.malformed)? = try outcome(bytes, in: folder) else {
          Issue.record("a count beyond the limit was accepted")
          continue
        }
      }
    }
  }

  @Test(arguments: [
    ([], "an empty file"),
    (Array("<!DOCTYPE html><html><body>Página não encontrada".utf8), "HTML"),
    (Array("version https://git-lfs.github.com/spec/v1\noid sha256:00".utf8), "Git LFS pointer"),
    (Array("name: \"CaffeNet\"\nlayer {\n  name: \"data\"".utf8), ".prototxt"),
    ([0x1F, 0x8B, 8, 0, 0, 0], "gzip"),
    (Array("PK\u{3}\u{4}....".utf8), "zip"),
    ([UInt8](repeating: 0, count: 4096), "zero bytes"),
  ])
  func otherKindsOfFilesAreNamed(bytes: [UInt8], found: String) throws {
    try withTemporaryFolder { folder in
      guard case .notAModel(_, let actual)? = try outcome(bytes, in: folder) else {
        Issue.record("accepted")
        return
      }
      #expect(actual.contains(found))
    }
  }

  /// Pickles are DeCAF's own network; others say what they are, and truncated ones that they end.
  @Test func otherPicklesAreNamed() throws {
    try withTemporaryFolder { folder in
      let found = try [[0x80, 2, 0x7D, 0x2E], [0x80, 2, 0x7D]].map { (bytes: [UInt8]) in
        "\(try outcome(bytes, in: folder)!)"
      }
      #expect(found[0].contains("a pickle that is no list of layers"), "\(found[0])")
      #expect(found[1].contains("ends too early"), "\(found[1])")
    }
  }

  @Test func aMissingFileIsNamed() throws {
    let error = #expect(throws: ModelError.self) { try Model.open("/no/such/net.caffemodel") }
    #expect(error?.description.contains("cannot open /no/such/net.caffemodel") == true)
  }
}
