internal import ConvNet
package import Files
package import Images
internal import Tensors

/// A look at some images of a list, spread over all of it: what `--dry-run` can say of a job before it
/// runs for hours.
package struct ImageSample: Sendable {
  /// An image that cannot be used.
  package struct Problem: Sendable {
    package let row: Int
    package let path: ByteString
    package let message: String
  }

  /// Images looked at.
  package private(set) var count = 0
  package private(set) var readableCount = 0
  package private(set) var decodedCount = 0
  /// The first problems.
  package private(set) var problems: [Problem] = []
  /// Widths and heights of the upright pictures.
  private var sizes: [(width: Int, height: Int)] = []

  private static let largest = 32
  private static let namedProblems = 3

  /// Reads and decodes images of the list as an extraction would.
  ///
  /// - Throws: when this processor has no kernels; never because of an image.
  package init(of list: ImageList, recipe: RecipeOptions) throws {
    let loader = ImageLoader(
      transform: recipe.transform, views: recipe.views, decode: recipe.decode,
      faults: FaultInjection())
    let writer = loader.makeWriter(NetworkKernels(try KernelClass.current))
    // What is written there is of no use: all views may have one place.
    let input = FloatBuffer(count: recipe.transform.inputLayout.count)
    let rows = Self.rows(count: list.count)
    count = rows.count
    for row in rows {
      let entry = list[row]
      do throws(ImageError) {
        let file = try ImageFile.read(list.location(of: entry))
        readableCount += 1
        if let defect = entry.defect {
          add(Problem(row: row, path: entry.path, message: defect))
          continue
        }
        let item = BatchItem(location: list.location(of: entry), box: entry.box)
        _ = try loader.load(.success(file), item, with: writer) { _ in
          ImagePlace(FeatureMap(input, writer.inputLayout))
        }
        decodedCount += 1
        sizes.append(writer.imageSize)
      } catch {
        add(Problem(row: row, path: entry.path, message: error.description))
      }
    }
  }

  /// The rows of the images: the first and the last of the list, and evenly between them.
  static func rows(count: Int) -> [Int] {
    if count <= largest { return Array(0..<count) }
    return (0..<largest).map { $0 * (count - 1) / (largest - 1) }
  }

  private mutating func add(_ problem: Problem) {
    if problems.count < Self.namedProblems { problems.append(problem) }
  }

  /// Lines for people.
  package var lines: [String] {
    var lines = [
      "\(count) images: \(readableCount) can be read, \(decodedCount) decoded"
    ]
    if let least = sizes.min(by: { $0.width * $0.height < $1.width * $1.height }),
      let most = sizes.max(by: { $0.width * $0.height < $1.width * $1.height })
    {
      lines.append(
        "of \(least.width)×\(least.height) to \(most.width)×\(most.height) pixels")
    }
    lines += problems.map { "row \($0.row), \($0.path): \($0.message)" }
    let unnamed = count - decodedCount - problems.count
    if unnamed > 0 { lines.append("and \(unnamed) more that cannot be used") }
    return lines
  }

  /// - Parameter root: where relative paths start from, nil when there is none.
  /// - Throws: `ImageSampleError` when no image can be used.
  package func requireUsable(root: String?) throws(ImageSampleError) {
    if decodedCount == 0 { throw ImageSampleError(count: count, root: root) }
  }
}

/// No image of a sample can be used.
package struct ImageSampleError: ErrorWithStatus, Equatable, CustomStringConvertible {
  let count: Int
  let root: String?

  package var description: String {
    "none of \(count) images can be used"
      + (root.map {
        "; relative paths start from \($0): is that right? --root names another folder"
      } ?? "; are the list's paths right?")
  }

  package var exitStatus: ExitStatus { .badInput }
}
