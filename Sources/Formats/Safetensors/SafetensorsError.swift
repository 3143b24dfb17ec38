package import Files

/// Why a safetensors file could not be read; the file's name is part of every case.
package enum SafetensorsError: ErrorWithStatus, Sendable, CustomStringConvertible {
  case cannotRead(SystemError)
  /// The file does not begin as a safetensors file must.
  case notSafetensors(path: String, reason: String)
  /// The header or the data needs more bytes than the file has.
  case truncated(path: String, expectedByteCount: Int, byteCount: Int)
  case malformedHeader(path: String, reason: String)
  /// A tensor's description contradicts itself or the file.
  case malformedTensor(path: String, name: String, reason: String)
  case missingTensor(path: String, name: String, found: [String])
  /// The tensor is there but not in a form that can be read as floats.
  case wrongElementType(path: String, name: String, found: String)

  package var description: String {
    switch self {
    case .cannotRead(let error): "\(error); expected a safetensors file"
    case .notSafetensors(let path, let reason):
      "cannot read \(path): expected a safetensors file, found \(reason); was it written completely?"
    case .truncated(let path, let expected, let byteCount):
      """
      cannot read \(path): expected \(expected) bytes, found \(byteCount); \
      the file is truncated or damaged: fetch or write it again
      """
    case .malformedHeader(let path, let reason):
      "cannot read the header of \(path): \(reason); the file is damaged"
    case .malformedTensor(let path, let name, let reason):
      "cannot read tensor '\(name)' of \(path): \(reason); the file is damaged"
    case .missingTensor(let path, let name, let found):
      """
      \(path): expected a tensor '\(name)', found \
      \(found.isEmpty ? "none" : found.prefix(12).joined(separator: ", "))\
      \(found.count > 12 ? " and \(found.count - 12) more" : "")
      """
    case .wrongElementType(let path, let name, let found):
      "tensor '\(name)' of \(path): expected F32, F64, F16 or BF16, found \(found)"
    }
  }

  package var exitStatus: ExitStatus { .badInput }
}
