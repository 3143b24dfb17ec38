internal import ArgumentParser
internal import FeatureStore
internal import Files
internal import Foundation
internal import Images
internal import Tensors

/// Small pictures of rows in a page.
struct ThumbnailOptions: ParsableArguments {
  @Option(help: "Pages: megabytes that small pictures of the images may take; 0 for none.")
  var thumbnails = 8

  @Option(
    help: "Pages: the folder that relative paths start from; default: as when the store was made.",
    completion: .directory)
  var root: String?

  func validate() throws { try OptionRange.check("--thumbnails", thumbnails, atLeast: 0) }

  /// The longer side, in pixels.
  private static let side = 72
  /// About what a picture takes, as text.
  static let typicalSize = 3000

  /// Bytes that pictures may take.
  var byteLimit: Int { thumbnails << 20 }

  /// A `data:` address for each row, as many rows as there is room for, spread evenly; empty for the
  /// others and for images that cannot be read.
  func images(of store: Store, _ rows: [Int], _ team: ThreadTeam) -> [String] {
    let room = min(rows.count, byteLimit / Self.typicalSize)
    if room == 0 { return [String](repeating: "", count: rows.count) }
    let recordedRoot = store.recordedRoot
    let made = team.map(rows.count) { index, _ in
      // Every row whose turn it is when `room` are spread over all.
      (index + 1) * room / rows.count > index * room / rows.count
        ? Self.thumbnail(location(of: store.rows[rows[index]].path, recordedRoot)).address : ""
    }
    var left = byteLimit
    return made.map { image in
      if image.utf8.count > left { return "" }
      left -= image.utf8.count
      return image
    }
  }

  /// Where an image is now: relative paths start from `--root`, or from where its store had them.
  func location(of path: ByteString, _ recordedRoot: String?) -> ByteString {
    guard let root = root ?? recordedRoot, path.bytes.first != UInt8(ascii: "/") else {
      return path
    }
    return ByteString(Array("\(root)/".utf8) + path.bytes)
  }

  static func thumbnail(_ location: ByteString) -> Thumbnail {
    let bytes: [UInt8]
    do throws(ImageError) { bytes = try ImageFile.read(location) } catch {
      return .missing
    }
    guard let decoded = try? ImageDecoder.decode(bytes),
      let small = try? JPEGEncoder.encode(
        reduced(decoded.image), JPEGEncoder.Options(quality: 75))
    else { return .undecodable }
    return .picture("data:image/jpeg;base64,\(Data(small).base64EncodedString())")
  }

  /// The image with means of blocks for pixels.
  private static func reduced(_ image: RGBImage) -> RGBImage {
    let longest = max(image.width, image.height)
    if longest <= side { return image }
    let (width, height) = (
      max(1, image.width * side / longest), max(1, image.height * side / longest)
    )
    var pixels = [UInt8]()
    pixels.reserveCapacity(3 * width * height)
    for y in 0..<height {
      let rows = y * image.height / height..<(y + 1) * image.height / height
      for x in 0..<width {
        let columns = x * image.width / width..<(x + 1) * image.width / width
        var sums = [0, 0, 0]
        for row in rows {
          for column in columns {
            let at = 3 * (row * image.width + column)
            for c in 0..<3 { sums[c] += Int(image.pixels[at + c]) }
          }
        }
        for sum in sums { pixels.append(UInt8(sum / (rows.count * columns.count))) }
      }
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }
}

/// A small picture of an image, or why there is none.
enum Thumbnail: Sendable {
  /// A `data:` address.
  case picture(String)
  /// The file is not there, or cannot be read.
  case missing
  case undecodable
  /// The page's pictures take all the room there is.
  case leftOut

  /// Empty for none.
  var address: String { if case .picture(let address) = self { address } else { "" } }

  /// Why there is none; nil where there is one.
  var reason: String? {
    switch self {
    case .picture: nil
    case .missing: "cannot be read now"
    case .undecodable: "no picture in the file"
    case .leftOut: "beyond --thumbnails"
    }
  }
}
