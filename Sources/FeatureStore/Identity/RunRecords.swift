package import Files

/// `runs/NNNN.json`: how each run of the job went (configuration, versions, hosts, timings).
///
/// Outside the store's identity: nothing here decides a byte of the rest.
struct RunRecords {
  private let folder: StoreFolder

  init(_ store: StoreFolder) {
    folder = StoreFolder(store.path(of: StoreLayout.runs))
  }

  /// The number of a run that has no record yet.
  func nextNumber() throws(SystemError) -> Int {
    try folder.make()
    return (try numbers().max() ?? 0) + 1
  }

  /// Writes the record of a run, in place of an earlier one of the same run.
  func write(_ value: JSONValue, number: Int) throws(SystemError) {
    try folder.replace(Self.name(number), with: Array(value.prettyText.utf8))
  }

  /// The folder that the last run which says so took relative paths from; nil where none does.
  var root: String? { lastText { $0[Self.rootKey] } }

  /// An option of the last run which says so; nil where none does.
  func option(_ name: String) -> String? { lastText { $0["options"]?[name] } }

  /// What all runs say, in their order; without those that cannot be read.
  var all: [(number: Int, record: JSONValue)] {
    ((try? numbers()) ?? []).sorted().compactMap { number in
      guard let bytes = try? folder.contents(of: Self.name(number)),
        let record = try? JSONValue(parsing: bytes)
      else { return nil }
      return (number, record)
    }
  }

  private func lastText(_ member: (JSONValue) -> JSONValue?) -> String? {
    for number in ((try? numbers()) ?? []).sorted(by: >) {
      guard let bytes = try? folder.contents(of: Self.name(number)),
        let record = try? JSONValue(parsing: bytes), case .string(let text)? = member(record)
      else { continue }
      return text
    }
    return nil
  }

  static let rootKey = "root"

  /// Removes all records, and the folder if nothing else is in it.
  func removeAll() throws(SystemError) {
    guard FileSystem.isFolder(folder.path) else { return }
    for number in try numbers() {
      try folder.remove(Self.name(number))
      try folder.remove(Self.name(number) + StoreLayout.partial)
    }
    FileSystem.removeFolderIfEmpty(folder.path)
  }

  private func numbers() throws(SystemError) -> [Int] {
    try folder.names().compactMap { name in
      // Below a bound, so that the next number is one, too, whatever file somebody put there.
      guard let number = Int(name.prefix { $0 != "." }), 0...1 << 48 ~= number,
        Self.name(number) == name
      else {
        return nil
      }
      return number
    }
  }

  private static func name(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits + ".json"
  }
}

extension StoreWriter {
  /// Writes how this run goes into `runs/NNNN.json`; called again, replaces what it wrote.
  ///
  /// The record's member `root` is what a later run's root is compared with once there is no journal:
  /// call this before `complete`, too.
  ///
  /// - Throws: `cannotWrite`.
  package func recordRun(_ value: JSONValue) throws(StoreError) {
    try writing { () throws(SystemError) in
      let records = RunRecords(folder)
      let number: Int
      if let runNumber { number = runNumber } else { number = try records.nextNumber() }
      runNumber = number
      try records.write(value, number: number)
    }
  }
}
