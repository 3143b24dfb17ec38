internal import Foundation
internal import Images

/// Small pictures side by side, each of their pixels a square.
struct TileSheet {
  /// RGB, row-major.
  struct Tile {
    let width: Int
    let height: Int
    let pixels: [UInt8]
  }

  let image: RGBImage

  private static let gap = 2
  /// Sides of a sheet, and of a tile's square, in pixels.
  private static let (widest, largestSquare) = (980, 12)

  /// - Precondition: there are tiles, all of one size.
  init(_ tiles: [Tile]) {
    let (width, height) = (tiles[0].width, tiles[0].height)
    // As square as tiles allow, and no wider than a page.
    let side = Double(tiles.count * (width + 1) * (height + 1)).squareRoot()
    let square = max(1, min(Self.largestSquare, Int(Double(Self.widest) / side)))
    let (stepX, stepY) = (width * square + Self.gap, height * square + Self.gap)
    let columns = max(1, min(tiles.count, Self.widest / stepX))
    let rows = (tiles.count + columns - 1) / columns
    let (sheetWidth, sheetHeight) = (columns * stepX + Self.gap, rows * stepY + Self.gap)
    var pixels = [UInt8](repeating: 255, count: 3 * sheetWidth * sheetHeight)
    for (index, tile) in tiles.enumerated() {
      let (left, top) = (
        Self.gap + index % columns * stepX, Self.gap + index / columns * stepY
      )
      for y in 0..<height * square {
        for x in 0..<width * square {
          let from = 3 * (y / square * width + x / square)
          let to = 3 * ((top + y) * sheetWidth + left + x)
          for c in 0..<3 { pixels[to + c] = tile.pixels[from + c] }
        }
      }
    }
    image = RGBImage(width: sheetWidth, height: sheetHeight, pixels: pixels)
  }

  /// The sheet as an address that holds it.
  ///
  /// - Throws: `ImageError.cannotEncode`.
  func dataAddress() throws(ImageError) -> String {
    let bytes = try JPEGEncoder.encode(image, .init(quality: 95, isSubsampled: false))
    return "data:image/jpeg;base64,\(Data(bytes).base64EncodedString())"
  }

  // MARK: What tiles show

  /// Filters on three channels, each filter's zero gray and its largest weight black or white.
  ///
  /// - Parameter isBGR: the channels' order in `weights`, `filters×3×height×width`.
  static func filters(_ weights: [Float], height: Int, width: Int, isBGR: Bool) -> [Tile] {
    let plane = height * width
    return stride(from: 0, to: weights.count, by: 3 * plane).map { start in
      let filter = weights[start..<start + 3 * plane]
      let largest = max(filter.reduce(0) { max($0, abs($1)) }, .leastNormalMagnitude)
      var pixels = [UInt8](repeating: 0, count: 3 * plane)
      for place in 0..<plane {
        for c in 0..<3 {
          let value = filter[start + (isBGR ? 2 - c : c) * plane + place]
          pixels[3 * place + c] = UInt8((127.5 * (1 + value / largest)).rounded())
        }
      }
      return Tile(width: width, height: height, pixels: pixels)
    }
  }

  /// Maps in gray, black the smallest and white the largest number of all; a row of single numbers is
  /// one tile, as square as it can be.
  static func maps(_ values: [Float], channels: Int, height: Int, width: Int) -> [Tile] {
    let low = values.min() ?? 0
    let range = max((values.max() ?? 0) - low, .leastNormalMagnitude)
    func tile(_ values: ArraySlice<Float>, _ height: Int, _ width: Int) -> Tile {
      let grays = values.map { UInt8((255 * ($0 - low) / range).rounded()) }
      let rest = [UInt8](repeating: 255, count: height * width - grays.count)
      return Tile(
        width: width, height: height, pixels: (grays + rest).flatMap { [$0, $0, $0] })
    }
    if height * width == 1 {
      let side = Int(Double(channels).squareRoot().rounded(.up))
      return [tile(values[...], (channels + side - 1) / side, side)]
    }
    let plane = height * width
    return (0..<channels).map { tile(values[$0 * plane..<($0 + 1) * plane], height, width) }
  }
}
