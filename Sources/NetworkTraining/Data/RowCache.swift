internal import Files
internal import Foundation
internal import Tensors

/// Rows that frozen layers made of a rank's images, in a file that has no name: computed once, read in
/// every epoch.
final class RowCache {
  private let file: PositionedFile
  private let width: Int
  /// Where each of the images is in the file, by its number among all.
  private var places: [Int: Int] = [:]

  /// - Throws: `TrainingError.cannotWrite` when the folder of temporary files takes no file.
  init(width: Int) throws {
    self.width = width
    let path = NSTemporaryDirectory() + "/decaf-rows-\(UUID().uuidString)"
    do throws(SystemError) {
      file = try PositionedFile(path, .replace)
      try FileSystem.removeFile(path)
    } catch { throw TrainingError.cannotWrite(error) }
  }

  /// Keeps an image's row.
  func set(_ image: Int, _ row: [Float]) throws {
    precondition(row.count == width, "a row of another width")
    let place = places.count
    do throws(SystemError) {
      try file.write(NumberBytes.bytes(row), at: 4 * width * place)
    } catch { throw TrainingError.cannotWrite(error) }
    places[image] = place
  }

  /// An image's row; nil where another rank has it.
  func row(_ image: Int) throws -> [Float]? {
    guard let place = places[image] else { return nil }
    do throws(SystemError) {
      return NumberBytes.numbers(try file.read(4 * width, at: 4 * width * place))
    } catch { throw TrainingError.cannotWrite(error) }
  }
}
