internal import ArgumentParser
internal import FeatureStore
internal import Files

/// `decaf subset`.
struct SubsetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "subset",
    abstract: "Copy some rows of a store into a store of their own.",
    discussion: """
      The rows keep their order, and are numbered anew. Where several conditions are given, the rows \
      are those that all of them hold for. Classes without a row left are none of the new store's. \
      Started again, the same command continues.

        decaf subset images.store --rows 0-999,2000 --output small.store
        decaf subset images.store --where label=cat,dog --output pets.store
      """)

  @Argument(help: "The store.", completion: .directory)
  var store: String

  @Option(
    help: "Rows, counted from 0, and ranges of them with both ends: A-B,C.",
    transform: RowList.ranges(_:))
  var rows: [ClosedRange<Int>]?

  @Option(
    name: .customLong("where"),
    help: "label=NAME or label=NAME,NAME: rows of these classes; status=ok or status=failed.")
  var conditions: [RowCondition] = []

  @OptionGroup var copy: CopyOptions

  func validate() throws {
    if rows == nil && conditions.isEmpty {
      throw ValidationError("Which rows? Give --rows A-B,C or --where label=NAME or status=ok.")
    }
    let statuses = conditions.compactMap(\.status)
    if statuses.contains(where: { $0 != statuses[0] }) {
      throw ValidationError("No row is ok and failed.")
    }
  }

  func run() throws {
    let store = try Store(self.store)
    PausePoint.inputsAreOpen()
    let labels = conditions.compactMap(\.label)
    let selection = RowSelection(
      rows: rows, labels: labels.isEmpty ? nil : labels,
      status: conditions.compactMap(\.status).first)
    try copy.run([try selection.part(of: store)])
  }
}

/// A condition of `--where`.
enum RowCondition: ExpressibleByArgument {
  /// Of one or, with commas between their names, several classes.
  case label(String)
  case status(RowStatus)

  init?(argument: String) {
    if argument.hasPrefix("label="), argument != "label=" {
      self = .label(String(argument.dropFirst("label=".count)))
    } else if argument.hasPrefix("status="),
      let status = RowStatus(rawValue: String(argument.dropFirst("status=".count)))
    {
      self = .status(status)
    } else {
      return nil
    }
  }

  var label: String? { if case .label(let text) = self { text } else { nil } }
  var status: RowStatus? { if case .status(let status) = self { status } else { nil } }
}

/// Rows as the user writes them.
enum RowList {
  /// `0-99,120`: ranges with both ends, and single rows.
  ///
  /// - Throws: `ValidationError`.
  static func ranges(_ text: String) throws -> [ClosedRange<Int>] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard ends.count <= 2, let first = ends[0], let last = ends[ends.count - 1], first <= last
      else { throw ValidationError("found “\(part)”, expected a row or a range, A-B, of rows") }
      return first...last
    }
  }
}
