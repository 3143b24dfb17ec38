internal import Files
internal import Formats
internal import Synchronization
package import Tensors

/// A check of everything that can be checked about a store without its images: what `verify` does.
///
/// Completeness, the manifest against itself, every file's SHA-256 and size, NumPy headers, the
/// table of rows, and that exactly the failed rows hold NaN.
package struct StoreAudit: Sendable {
  /// What is wrong, a sentence each; empty for a sound store.
  package private(set) var problems: [String] = []
  /// What is worth knowing but not wrong.
  package private(set) var notes: [String] = []
  /// What was looked at, a line each.
  package private(set) var summary: [String] = []

  package var isSound: Bool { problems.isEmpty }

  /// Reads the whole store.
  ///
  /// - Parameter team: hashes files side by side.
  /// - Throws: `notAStore`, `unsupportedVersion`, `cannotRead`; `incomplete` for a store whose job
  ///   has not finished; all else is a problem found.
  package init(_ path: String, team: ThreadTeam) throws(StoreError) {
    let folder = StoreFolder(path)
    let manifest: StoreManifest
    do throws(StoreError) { manifest = try Store.manifest(folder) } catch {
      guard case .damaged = error else { throw error }
      problems.append(error.description)
      return
    }
    let rows = checkRows(folder, manifest)
    let layout = StoreLayout(manifest.provenance)
    let files = Findings(count: layout.shards.count)
    team.forEach(layout.shards.count) { index, _ in
      let (layer, shard) = layout.shards[index]
      files.set(
        index,
        Self.checkShard(
          folder, layout, layer, shard, manifest.layers[layer].shards[shard].sha256, rows?.failed))
    }
    for finding in files.all {
      problems += finding.problems
      notes += finding.notes
    }
    checkNames(folder, layout)
    summarize(manifest, layout)
  }

  private mutating func checkRows(_ folder: StoreFolder, _ manifest: StoreManifest) -> RowTable? {
    let path = folder.path(of: StoreLayout.rows)
    do {
      if try MappedFile(path).sha256.hexadecimal != manifest.rows.sha256 {
        problems.append("\(path): SHA-256 differs from the manifest's")
      }
    } catch { problems.append("\(error)") }
    do {
      let table = try RowTable(
        path, count: manifest.rowCount, classes: manifest.classes.map { ByteString($0) })
      if table.failedCount != manifest.failedRowCount {
        problems.append(
          "\(path): \(table.failedCount) rows failed, the manifest says \(manifest.failedRowCount)")
      }
      return table
    } catch {
      problems.append("\(error)")
      return nil
    }
  }

  /// Files that are not the store's, or that a completed store should not have any more.
  private mutating func checkNames(_ folder: StoreFolder, _ layout: StoreLayout) {
    let own = Set(
      layout.shards.map { layout.name(layer: $0.layer, shard: $0.shard) }
        + [StoreLayout.manifest, StoreLayout.rows, StoreLayout.runs])
    let others = ((try? folder.names()) ?? []).filter { !own.contains($0) }
    if !others.isEmpty {
      notes.append("also in the folder: \(others.joined(separator: ", "))")
    }
  }

  private mutating func summarize(_ manifest: StoreManifest, _ layout: StoreLayout) {
    summary.append(
      "\(manifest.rowCount) rows, \(manifest.failedRowCount) failed, "
        + "\(manifest.classes.count) classes")
    for layer in layout.layers {
      summary.append(
        "\(layer.name): \(layer.rowShape.map(String.init).joined(separator: " × ")) values a row, "
          + "\(manifest.provenance.dtype.rawValue), "
          + (layout.shardCount == 1 ? "1 file" : "\(layout.shardCount) files"))
    }
    if manifest.overflowCount > 0 {
      notes.append("\(manifest.overflowCount) values were too large for float16 and are infinite")
    }
    if let imported = manifest.provenance.imported {
      let variable = imported.variable.map { ", variable \($0)" } ?? ""
      summary.append("imported from \(imported.format)\(variable), SHA-256 \(imported.sha256)")
    } else {
      let recipe = manifest.provenance.recipe
      summary.append(
        "\(recipe.model.architecture)\(recipe.precision == "fp32" ? "" : " in \(recipe.precision)"), "
          + "weights \(recipe.model.sha256)")
    }
    if let parts = manifest.provenance.parts {
      let names = parts.map { $0.store.prefix(12) + "…" + ($0.selection.map { " (\($0))" } ?? "") }
      summary.append("copied from \(names.joined(separator: ", "))")
    }
    summary.append("job \(manifest.fingerprint)")
  }
}

extension StoreAudit {
  private struct Finding {
    var problems: [String] = []
    var notes: [String] = []
  }

  private final class Findings: Sendable {
    private let slots: Mutex<[Finding]>
    init(count: Int) { slots = Mutex(Array(repeating: Finding(), count: count)) }
    func set(_ index: Int, _ finding: Finding) { slots.withLock { $0[index] = finding } }
    var all: [Finding] { slots.withLock { $0 } }
  }

  /// Rows named in a problem before the rest is only counted.
  private static let namedRows = 5
  private static let pieceByteCount = 1 << 22

  private static func checkShard(
    _ folder: StoreFolder, _ layout: StoreLayout, _ layer: Int, _ shard: Int, _ sha256: String,
    _ failed: RowSet?
  ) -> Finding {
    let path = folder.path(of: layout.name(layer: layer, shard: shard))
    var finding = Finding()
    do {
      let file = try PositionedFile(path, .read)
      var hasher = SHA256Digest.Hasher()
      let start = try file.read(NPYDescription.longest, at: 0)
      let byteCount = try file.byteCount()
      do throws(ProblemError) {
        let dataOffset = try layout.header(layer: layer, shard: shard).check(
          start: start, fileByteCount: byteCount)
        hasher.update(Array(start[..<dataOffset]))
        try checkValues(
          file, from: dataOffset, layout, layer, layout.rows(ofShard: shard), failed, &hasher)
      } catch { finding.problems.append("\(path): \(error.text)") }
      if finding.problems.isEmpty && hasher.finalize().hexadecimal != sha256 {
        finding.problems.append("\(path): SHA-256 differs from the manifest's")
      }
    } catch { finding.problems.append("\(error)") }
    return finding
  }

  /// Reads all rows of a shard into `hasher`; a failed row is NaN throughout, any other has none.
  private static func checkValues(
    _ file: PositionedFile, from dataOffset: Int, _ layout: StoreLayout, _ layer: Int,
    _ rows: Range<Int>, _ failed: RowSet?, _ hasher: inout SHA256Digest.Hasher
  ) throws(ProblemError) {
    let rowByteCount = layout.rowByteCount(layer: layer)
    let rowsAPiece = max(1, pieceByteCount / rowByteCount)
    var wrong = [Int]()
    var row = rows.lowerBound
    while row < rows.upperBound {
      let count = min(rowsAPiece, rows.upperBound - row)
      let bytes: [UInt8]
      do throws(SystemError) {
        bytes = try file.read(
          count * rowByteCount, at: dataOffset + (row - rows.lowerBound) * rowByteCount)
      } catch { throw ProblemError("\(error)") }
      guard bytes.count == count * rowByteCount else { throw ProblemError("it is cut short") }
      hasher.update(bytes)
      let values = layout.elementType.decoded(bytes)
      let width = layout.layers[layer].width
      for i in 0..<count {
        var missing = 0
        for j in i * width..<(i + 1) * width where values[j].isNaN { missing += 1 }
        let expected = failed.map { $0.contains(row + i) ? width : 0 } ?? missing
        if missing != expected { wrong.append(row + i) }
      }
      row += count
    }
    guard !wrong.isEmpty else { return }
    let named = wrong.prefix(namedRows).map(String.init).joined(separator: ", ")
    throw ProblemError(
      "rows \(named)\(wrong.count > namedRows ? " and \(wrong.count - namedRows) more" : "") are "
        + "NaN though ok, or failed and not NaN")
  }
}
