package import ConvNet
internal import Images
internal import Tensors

/// Reads images of a list as a network's inputs: decoded, resized, and cropped as drawn.
final class ImageReader: @unchecked Sendable {
  // Invariant behind `@unchecked`: each thread of the team uses the writers and maps of its own number.
  private let list: ImageList
  private let transform: InputTransform
  private let augmentation: Augmentation
  private let seed: UInt64
  private let team: ThreadTeam
  private let writers: [InputWriter]
  /// Each thread's whole images, before they are cropped.
  private let whole: [FeatureMap]

  /// - Parameter augmentation: `.none` for the crop that the transform says, bit for bit as in
  ///   extraction.
  init(
    _ list: ImageList, _ transform: InputTransform, _ augmentation: Augmentation, seed: UInt64,
    kernelClass: KernelClass, team: ThreadTeam
  ) {
    (self.list, self.transform, self.augmentation) = (list, transform, augmentation)
    (self.seed, self.team) = (seed, team)
    let wide = augmentation == .none ? transform : transform.uncropped
    writers = (0..<team.threadCount).map { _ in
      InputWriter(wide, views: .center, mode: .exact, kernels: NetworkKernels(kernelClass))
    }
    whole = (0..<team.threadCount).map { _ in FeatureMap(wide.inputLayout) }
  }

  /// Reads rows of the list one after the other into a buffer, on the team.
  ///
  /// - Parameter streams: of each row's draws.
  /// - Returns: for each row why it could not be read; nil for one that could. Its pixels are then zero.
  func read(_ rows: [Int], streams: [UInt64], into buffer: FloatBuffer) -> [String?] {
    let count = transform.inputLayout.count
    return team.map(rows.count) { index, worker in
      let part = BufferPart(buffer, at: index * count, count: count)
      let entry = list[rows[index]]
      if let defect = entry.defect {
        part.clear()
        return defect
      }
      do throws(ImageError) {
        try read(entry, stream: streams[index], worker: worker, into: part, buffer)
        return nil
      } catch {
        part.clear()
        return "\(error)"
      }
    }
  }

  private func read(
    _ entry: ImageList.Entry, stream: UInt64, worker: Int, into part: BufferPart,
    _ buffer: FloatBuffer
  ) throws(ImageError) {
    let file = try ImageFile.read(list.location(of: entry))
    let target = FeatureMap(buffer, at: part.range.lowerBound, transform.inputLayout)
    let isPlain = augmentation == .none
    let map = isPlain ? target : whole[worker]
    _ = try writers[worker].write(file, box: entry.box) { _ in ImagePlace(map) }
    if !isPlain { crop(map, stream: stream, into: part) }
  }

  private func crop(_ map: FeatureMap, stream: UInt64, into part: BufferPart) {
    let (height, width) = (transform.inputHeight, transform.inputWidth)
    let margin = PlaneSize(map.layout.height - height, map.layout.width - width)
    let draw = augmentation.draw(seed, stream: stream, margin: margin)
    for y in 0..<height {
      let start = ((draw.y + y) * map.layout.width + draw.x) * 3
      let line = map.buffer.floats(map.start + start..<map.start + start + 3 * width)
      part.part(y * 3 * width..<(y + 1) * 3 * width).set(
        draw.isMirrored
          ? (0..<3 * width).map { line[(width - 1 - $0 / 3) * 3 + $0 % 3] } : line)
    }
  }
}

extension InputTransform {
  /// The same of all that crops may be taken of: the resized image, or the area in its centre.
  package var uncropped: InputTransform {
    var wide = self
    wide.crop = area ?? resize.height
    let width = area ?? resize.width
    wide.cropWidth = width == wide.crop ? nil : width
    return wide
  }
}
