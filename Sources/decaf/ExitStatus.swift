internal import ArgumentParser
internal import Classification
internal import Communication
internal import ConvNet
internal import Evaluation
internal import Extraction
internal import FeatureStore
internal import Files
internal import Images
internal import Interchange
internal import Tensors

/// How the program ends; the numbers are those of BSD's sysexits.h.
enum ExitStatus: Int32 {
  case done = 0
  /// Wrong usage.
  case usage = 64
  /// Unreadable list or model, every image failed, an incomplete or damaged store.
  case badInput = 65
  /// A defect, or a rank that failed.
  case internalFailure = 70
  /// The output cannot be written, is locked, or belongs to another job.
  case cannotCreate = 73
  /// Stopped early with everything so far kept; the same command line continues.
  case stoppedEarly = 75

  /// The status that stands for an error.
  init(of error: any Error) {
    switch error {
    case let error as ModelError:
      self =
        switch error {
        case .unknownBlob, .unknownFormat: .usage
        case .cannotWrite: .cannotCreate
        default: .badInput
        }
    case let error as FeaturesError:
      self = ExitStatus(rawValue: error.exitStatus) ?? .internalFailure
    case let error as ClassificationError:
      self = ExitStatus(rawValue: error.exitStatus) ?? .internalFailure
    case let error as EvaluationError:
      self = ExitStatus(rawValue: error.exitStatus) ?? .internalFailure
    case let error as InterchangeError:
      self = ExitStatus(rawValue: error.exitStatus) ?? .internalFailure
    case is EmbedError: self = .badInput
    case is ImageListError, is ImageError, is InputTransformError, is SystemError: self = .badInput
    case is SafetensorsError, is ClassNamesError: self = .badInput
    case is KernelError, is PrecisionError, is ConfigError: self = .usage
    case is OutputError: self = .cannotCreate
    case let error as WorkerFailure: self = ExitStatus(of: error.cause)
    case let error as ExtractionError:
      self =
        switch error {
        case .noWorkers, .wrongInputSize: .usage
        case .modelsDiffer: .badInput
        case .kernelUnavailable: .cannotCreate
        case .stalled: .stoppedEarly
        }
    case let error as JobFailure: self = ExitStatus(rawValue: error.status) ?? .internalFailure
    default:
      let code = Decaf.exitCode(for: error)
      self =
        code == .failure
        ? .internalFailure : ExitStatus(rawValue: code.rawValue) ?? .internalFailure
    }
  }
}
