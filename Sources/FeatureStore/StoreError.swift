package import Files

/// What goes wrong between a job and a store.
package enum StoreError: ErrorWithStatus, Equatable, Sendable, CustomStringConvertible {
  /// Something of the store could not be written; nothing recorded is lost.
  case cannotWrite(SystemError)
  /// The store could not be begun; nothing is recorded.
  case cannotMake(SystemError)
  /// Something of the store could not be read.
  case cannotRead(SystemError)
  /// Another process is writing the store.
  case locked(path: String, holder: LockHolder?)
  /// The folder holds the store of a job that differs in what `differences` names.
  case otherJob(path: String, differences: [String])
  /// The store's images lay in another folder than this job's.
  case otherRoot(path: String, recorded: String, given: String)
  /// The folder given for a new store holds other things.
  case folderInUse(path: String, found: String)
  /// The journal says something that the files beside it contradict.
  case unusableJob(path: String, problem: String)
  /// These rows read back otherwise than they were written; they are unfinished again.
  case rowsDamaged(path: String, rows: [Range<Int>])
  /// Somebody asked to stop while the store's files were read through; nothing recorded is lost.
  case stopped(path: String, reason: String)
  /// The bytes of these rows changed on their way to the coordinator.
  case rowsCorrupted(rows: Range<Int>, layer: String)
  /// This rank does not see the folder that the coordinator writes.
  case differentDirectory(path: String, host: String, found: LockHolder?)
  /// The folder holds no store.
  case notAStore(path: String)
  /// The path names something else than a folder; `found` says what.
  case notAFolder(path: String, found: String)
  /// The store's job has not finished; `holder` is running it now, if anybody is.
  case incomplete(path: String, recordedRows: Int, rows: Int, holder: LockHolder?)
  /// A file of a complete store contradicts the manifest.
  case damaged(path: String, problem: String)
  /// A file of rows is missing, or its size or header is not what the manifest says: making the store
  /// again makes just its rows.
  case damagedRows(path: String, problem: String)
  /// A file of rows has other bytes than the manifest says, which only reading all of it tells.
  case differingHash(path: String)
  /// The audit of a store found so many problems.
  case auditFailed(path: String, problemCount: Int)
  /// The store was written by a program that uses another format.
  case unsupportedVersion(path: String, found: Int, supported: Int)
  /// The store has no such layer.
  case unknownLayer(name: String, path: String, available: [String])
  /// What the rows are of is not what it was when they were computed; the rows stay recorded.
  case inputChanged(InputChangedError)
  /// A store that is to be joined with `first` was made otherwise.
  case unlikeStores(path: String, first: String, differences: [String])
  /// The output of a copy is the store that is copied.
  case outputIsInput(path: String)
  /// Rows were asked for that the store does not have.
  case rowsBeyond(path: String, row: Int, rowCount: Int)
  /// Rows of a class were asked for that the store does not have.
  case unknownClass(name: String, path: String, available: [String])
  /// No row is what was asked for.
  case nothingSelected(path: String, selection: String)
  /// A class is not UTF-8 and so cannot be in the manifest.
  case invalidClass(String)

  package var description: String {
    switch self {
    case .cannotWrite(let error):
      "\(error); rows that are recorded, if any, are kept: "
        + (error.isOutOfSpace ? "make room" : "correct this")
        + " and run the same command again to continue"
    case .cannotMake(let error):
      "cannot begin a store: \(error); no row is recorded: "
        + (error.isOutOfSpace ? "make room" : "correct this, or choose another output,")
        + " and run the command again"
    case .cannotRead(let error):
      "\(error)"
    case .locked(let path, let holder):
      "store \(path) is being written by \(holder?.description ?? "another process"); "
        + "wait for it or choose another output"
    case .otherJob(let path, let differences):
      "store \(path) belongs to another job: \(differences.joined(separator: "; ")); "
        + "choose another output, repeat the store's own options, or replace it: remove it, or "
        + "extract with --overwrite"
        + Self.kernelAdvice(differences)
    case .otherRoot(let path, let recorded, let given):
      "store \(path) is of the images under \(recorded), this job's are under \(given); give --root "
        + "\(recorded), choose another output, or, if they are the same images, say so with --moved"
    case .folderInUse(let path, let found):
      "cannot make a store in \(path): it holds \(found) and no store; choose a new or empty folder"
    case .unusableJob(let path, let problem):
      "cannot continue store \(path): \(problem); pass --overwrite to start over"
    case .rowsDamaged(let path, let rows):
      "rows \(Self.list(rows)) of store \(path) read back otherwise than they were written; "
        + "they count as unfinished now: run the same command again to compute them anew, "
        + "and have the disk looked at"
    case .stopped(let path, let reason):
      "stopped early (\(reason)) while the files of store \(path) were read through; what is recorded "
        + "stays, and the same command line continues"
    case .rowsCorrupted(let rows, let layer):
      "layer \(layer) of rows \(Self.list([rows])) arrived with a wrong checksum"
    case .differentDirectory(let path, let host, let found):
      "rank on \(host) does not see the coordinator's folder at \(path): found "
        + (found.map { "the lock of \($0)" } ?? "no lock of a running job")
        + "; use a folder all hosts share, or --gather coordinator"
    case .notAStore(let path):
      "\(path) is not a store: it has neither store.json nor journal"
    case .notAFolder(let path, let found):
      "\(path) is not a store: expected a folder that decaf extract or decaf import has written, "
        + "found \(found)"
    case .incomplete(let path, let recordedRows, let rows, let holder):
      "store \(path) is incomplete: \(recordedRows) of \(rows) rows are recorded; "
        + (holder.map { "it is being written by \($0)" }
          ?? "run the extract command that made it again to continue")
    case .damaged(let path, let problem):
      "\(path) is damaged: \(problem); extract the store again with --overwrite"
    case .damagedRows(let path, let problem):
      "\(path) is damaged: \(problem); run the command that made the store again: it makes the rows of "
        + "that file anew"
    case .differingHash(let path):
      "\(path) is damaged: its SHA-256 differs from the manifest's; remove it and run the command that "
        + "made the store again: it makes the rows of that file anew"
    case .auditFailed(let path, let problemCount):
      "store \(path) is damaged: \(problemCount) problem\(problemCount == 1 ? "" : "s") found; "
        + "remove the .npy files named and run the command that made the store again, which makes their "
        + "rows anew; where rows.tsv or store.json is named, extract it again with --overwrite"
    case .unsupportedVersion(let path, let found, let supported):
      "\(path) has format version \(found), this program reads version \(supported)"
    case .unknownLayer(let name, let path, let available):
      "store \(path) has no layer \(name); it has \(available.joined(separator: ", "))"
    case .inputChanged(let error):
      "\(error)"
    case .unlikeStores(let path, let first, let differences):
      "cannot join \(path) with \(first): \(differences.joined(separator: "; ")); expected stores of "
        + "one recipe, layers, type and kernel class: extract one of them again with the options, and "
        + "by the kernels, of the other"
    case .outputIsInput(let path):
      "the output is \(path), one of the stores that it is to be made of; choose another --output"
    case .rowsBeyond(let path, let row, let rowCount):
      "there is no row \(row) in store \(path): "
        + (rowCount == 0 ? "it is empty" : "its \(rowCount) rows are 0-\(rowCount - 1)")
    case .unknownClass(let name, let path, let available):
      "store \(path) has no class “\(name)”; it has "
        + (available.isEmpty ? "none" : available.prefix(10).joined(separator: ", "))
        + (available.count > 10 ? " and \(available.count - 10) more" : "")
    case .nothingSelected(let path, let selection):
      "store \(path) has no row with \(selection); no store is made of none: choose others"
    case .invalidClass(let name):
      "class “\(name)” is not UTF-8 text; write the labels of the image list as UTF-8"
    }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .cannotWrite, .cannotMake, .locked, .otherJob, .otherRoot, .folderInUse, .unusableJob,
      .differentDirectory, .outputIsInput:
      .cannotCreate
    case .rowsDamaged, .stopped: .stoppedEarly
    case .rowsCorrupted: .internalFailure
    case .unknownLayer, .rowsBeyond, .unknownClass: .usage
    case .cannotRead, .notAStore, .notAFolder, .incomplete, .damaged, .damagedRows, .differingHash,
      .auditFailed, .unsupportedVersion, .inputChanged, .unlikeStores, .nothingSelected,
      .invalidClass:
      .badInput
    }
  }

  private static func kernelAdvice(_ differences: [String]) -> String {
    guard differences.count == 1, differences[0].hasPrefix("kernelClass:") else { return "" }
    return "; extract with --keep-kernel to continue with the store's own kernels"
  }

  /// `0–63, 70, 80–81 and 5 more ranges`.
  static func list(_ rows: [Range<Int>]) -> String {
    let shown = rows.prefix(8).map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)–\($0.upperBound - 1)"
    }
    let rest = rows.count - shown.count
    return shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more ranges" : "")
  }
}

/// Runs `body`, whose failure means that the store could not be written.
func writing<R>(_ body: () throws(SystemError) -> R) throws(StoreError) -> R {
  do { return try body() } catch { throw .cannotWrite(error) }
}

/// Runs `body`, whose failure means that the store could not be read.
func reading<R>(_ body: () throws(SystemError) -> R) throws(StoreError) -> R {
  do { return try body() } catch { throw .cannotRead(error) }
}
