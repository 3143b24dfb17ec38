import Foundation
import TestSupport
import Testing

/// Files that the command tests share, made once, and the arguments that use them.
enum CommandFixture {
  static let shared = Result {
    try ExtractionFixture(in: NSTemporaryDirectory() + "decaf-command-fixture-\(getpid())")
  }

  /// `extract LIST --model … --output store` and `options`.
  static func extract(
    _ store: String, list: String? = nil, model: String? = nil, _ options: String...
  ) throws -> [String] {
    let fixture = try shared.get()
    return ["extract", list ?? fixture.list, "--model", model ?? fixture.model, "--output", store]
      + options
  }

  /// A list of `count` rows that names the fixture's images again and again.
  static func longList(in folder: String, count: Int) throws -> String {
    let fixture = try shared.get()
    let good = (0..<ExtractionFixture.rowCount).filter { ExtractionFixture.failures[$0] == nil }
    let lines = (0..<count).map { "\(fixture.folder)/images/\(good[$0 % good.count]).jpg" }
    let path = "\(folder)/long.txt"
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  /// A store whose 40 features differ in size, which L-BFGS takes long for; four classes overlap.
  ///
  /// - Parameter mean: of what features are multiples of.
  static func unevenStore(in folder: String, rowCount: Int, mean: Double) throws -> String {
    var state: UInt64 = 1
    func next() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 40) / Double(1 << 24)
    }
    var text = ""
    for row in 0..<rowCount {
      text += "\(row % 4)"
      for j in 1...40 {
        let value = mean + next() + (j % 4 == row % 4 ? 0.2 : 0)
        text += " \(j):\(value * Double(1 << (j % 7)))"
      }
      text += "\n"
    }
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/x.svm"))
    let store = "\(folder)/uneven"
    let run = try Program.decaf.run([
      "import", "\(folder)/x.svm", "--layer", "fc6", "--origin", "numbers", "--output", store,
    ])
    if run.status != 0 { throw CocoaError(.fileReadUnknown) }
    return store
  }

  /// Waits until the job has journalled finished rows.
  static func waitForRecords(_ store: String, in running: Program.Running) {
    let deadline = Date(timeIntervalSinceNow: 60)
    while Date() < deadline, running.process.isRunning {
      let journal = FileManager.default.contents(atPath: "\(store)/journal") ?? Data()
      if journal.range(of: Data(" finished ".utf8)) != nil { return }
      usleep(10_000)
    }
  }
}
