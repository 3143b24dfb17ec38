internal import Files
internal import Formats

/// What people name where a store is wanted.
enum FileInPlaceOfStore {
  /// What the file is and how a store is made of it, in words; nil for a folder.
  ///
  /// - Throws: `SystemError` when it cannot be looked at.
  static func description(of path: String) throws(SystemError) -> String? {
    if FileSystem.isFolder(path) { return nil }
    guard try FileSystem.byteCount(of: path) != nil else { return "nothing there" }
    let file = try MappedFile(path)
    let importing = "; decaf import makes a store of it"
    switch FileSignature(of: file) {
    case .numpy, .matlab, .hdf5: return "a file of numbers\(importing)"
    case .zip where path.hasSuffix(".npz"): return "a file of numbers\(importing)"
    case .jpeg, .png, .gif, .webP, .bmp, .tiff, .heif, .jpeg2000, .jpegXL:
      return "an image; decaf extract makes a store of images"
    case let known?: return "a file: \(known)"
    case nil: break
    }
    if let format = (try? SafetensorsFile(path))?.metadata["format"] {
      switch format {
      case "decaf-classifier": return "a classifier"
      case "decaf-checkpoint": return "the checkpoint of a training"
      default: return "a safetensors file"
      }
    }
    if ["safetensors", "caffemodel"].contains(where: { path.hasSuffix(".\($0)") }) {
      return "a file of weights"
    }
    if ["svm", "svmlight", "libsvm"].contains(where: { path.hasSuffix(".\($0)") }) {
      return "a file of numbers\(importing)"
    }
    return "a file; decaf extract makes a store of a list of images, decaf import one of numbers"
  }
}
