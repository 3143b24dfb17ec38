/// What a file's first bytes show it to be, whatever its name says.
///
/// Formats that have no mark of their own (protobuf messages, safetensors, text) are not here.
package enum FileSignature: String, CaseIterable, Sendable, CustomStringConvertible {
  case jpeg = "JPEG"
  case png = "PNG"
  case gif = "GIF"
  case webP = "WebP"
  case bmp = "BMP"
  case tiff = "TIFF"
  case heif = "HEIF or AVIF"
  case jpeg2000 = "JPEG 2000"
  case jpegXL = "JPEG XL"
  case psd = "Photoshop"
  case pdf = "PDF"
  case netpbm = "PPM or PGM"
  case gzip = "gzip-compressed data"
  case bzip2 = "bzip2-compressed data"
  case zip = "a zip archive"
  case tar = "a tar archive"
  case numpy = "a NumPy array"
  case hdf5 = "HDF5"
  case matlab = "a MATLAB file"
  case pickle = "a Python pickle"
  case program = "a program"
  case markup = "HTML or XML, perhaps a server's error page"
  case utf16 = "UTF-16 text"
  case gitLFS = "a Git LFS pointer; fetch the file itself with “git lfs pull”"

  package var description: String { rawValue }

  /// The signature of a mapped file.
  package init?(of file: MappedFile) {
    self.init(file.bytes(0..<min(Self.longest, file.byteCount)))
  }

  /// Bytes from a file's start that show every format.
  package static let longest = 300

  /// - Parameter beginning: the first bytes of a file, `longest` if it has so many.
  package init?(_ beginning: [UInt8]) {
    let match = Self.allCases.first { format in
      // Markup may be indented.
      let data =
        format == .markup
        ? beginning.drop { $0 == 0x20 || (9...13).contains($0) } : beginning[...]
      return format.signatures.contains { signature in
        let bytes = signature.text.unicodeScalars.map { UInt8($0.value) }
        return data.dropFirst(signature.offset).starts(with: bytes)
      }
    }
    guard let match else { return nil }
    self = match
  }

  /// Bytes (a scalar below U+0100 each) that a file of this format has at an offset; any one of them
  /// will do.
  private var signatures: [(offset: Int, text: String)] {
    switch self {
    case .jpeg: [(0, "\u{FF}\u{D8}")]
    case .png: [(0, "\u{89}PNG")]
    case .gif: [(0, "GIF8")]
    case .webP: [(8, "WEBPVP8")]
    case .bmp: [(0, "BM")]
    case .tiff: [(0, "II*\0"), (0, "MM\0*"), (0, "II+\0")]
    case .heif: [(4, "ftyp")]
    case .jpeg2000: [(0, "\0\0\0\u{C}jP"), (0, "\u{FF}O\u{FF}Q")]
    case .jpegXL: [(0, "\0\0\0\u{C}JXL "), (0, "\u{FF}\n")]
    case .psd: [(0, "8BPS")]
    case .pdf: [(0, "%PDF")]
    case .netpbm: (1...6).map { (0, "P\($0)\n") }
    case .gzip: [(0, "\u{1F}\u{8B}")]
    case .bzip2: [(0, "BZh")]
    case .zip: [(0, "PK\u{3}\u{4}")]
    case .tar: [(257, "ustar")]
    case .numpy: [(0, "\u{93}NUMPY")]
    case .hdf5: [(0, "\u{89}HDF")]
    case .matlab: [(0, "MATLAB")]
    case .pickle: (2...5).map { (0, "\u{80}\(Unicode.Scalar(UInt8($0)))") }
    case .program: [(0, "\u{7F}ELF")]
    case .markup: ["<!", "<html", "<HTML", "<?xml", "<svg"].map { (0, $0) }
    case .utf16: [(0, "\u{FF}\u{FE}"), (0, "\u{FE}\u{FF}")]
    case .gitLFS: [(0, "version https://git-lfs")]
    }
  }
}
