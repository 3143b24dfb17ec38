package import Files
internal import Glibc

/// Why one image is not to be had; the message of a failed row.
package enum ImageError: ErrorWithStatus, Hashable, Sendable, CustomStringConvertible {
  /// The file cannot be opened or read; `code` is the value of `errno`. The path is left out: it
  /// stands beside the message, and where the images lie must not show in a store's bytes.
  case unreadable(operation: String, code: Int32)
  /// The path names something else than a file; `found` says what.
  case notAFile(found: String)
  /// The file is larger than any image that would be decoded.
  case tooManyBytes(Int, limit: Int)
  /// The bytes are of no format that is decoded; `found` names what they look like.
  case notAnImage(found: String)
  /// The data ends before the image does.
  case truncated(reason: String)
  /// The format's library gave up; `reason` is its own message.
  case corrupt(FileSignature, reason: String)
  /// A kind of JPEG that is not decoded: 12-bit, lossless.
  case unsupported(reason: String)
  /// The header claims more pixels than any image that would be decoded.
  case tooManyPixels(width: Int, height: Int, limit: Int)
  /// A progressive file with more passes than any honest one.
  case tooManyScans(limit: Int)
  /// Decoding would need more memory than an image may take.
  case tooMuchMemory(limitMegabytes: Int)
  /// A box that covers no pixel of the image.
  case emptyBox(Box, imageWidth: Int, imageHeight: Int)
  /// The image could not be written as JPEG.
  case cannotEncode(reason: String)

  package var description: String {
    switch self {
    case .unreadable(let operation, let code):
      "cannot \(operation) the file: \(String(cString: strerror(code)))"
    case .notAFile(let found): "not a file: found \(found)"
    case .tooManyBytes(let count, let limit):
      "too large: \(count) bytes, at most \(limit) are read; is this one image?"
    case .notAnImage(let found):
      "not a JPEG, PNG or WebP: found \(found); convert it to one of them"
    case .truncated(let reason): "truncated: \(reason)"
    case .corrupt(let format, let reason): "corrupt \(format): \(reason)"
    case .unsupported(let reason):
      "unsupported kind of JPEG: \(reason); expected 8-bit baseline, progressive or arithmetic"
    case .tooManyPixels(let width, let height, let limit):
      "too large: the header claims \(width)×\(height) pixels, at most \(limit) are decoded "
        + "(--max-megapixels)"
    case .tooManyScans(let limit):
      "too many scans: more than \(limit); looks like an attack on decoders"
    case .tooMuchMemory(let limit): "decoding needs more than \(limit) MB"
    case .emptyBox(let box, let width, let height):
      "empty box: \(box) covers no pixel of a \(width)×\(height) image"
    case .cannotEncode(let reason): "cannot write JPEG: \(reason)"
    }
  }

  package var exitStatus: ExitStatus { .badInput }
}
