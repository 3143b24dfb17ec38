import Files
import Foundation
import Images
import TestSupport
import Testing

@testable import Extraction

@Suite struct ReadAheadTests {
  @Test func filesComeByNumberAndMissingOnesAsErrors() throws {
    try withTemporaryFolder { folder in
      var locations: [ByteString] = []
      for number in 0..<5 {
        let path = "\(folder)/\(number)"
        if number != 3 {
          try Data(repeating: UInt8(number), count: 1000).write(to: URL(fileURLWithPath: path))
        }
        locations.append(ByteString(path))
      }
      let files = ReadAhead()
      defer { files.close() }
      #expect(files.append(Array(locations[0..<2])) == 0)
      #expect(files.append(Array(locations[2..<5])) == 2)
      for number in 0..<5 {
        let file = files.take(number)
        if number == 3 {
          #expect(throws: ImageError.unreadable(operation: "open", code: ENOENT)) { try file.get() }
        } else {
          #expect(try file.get() == [UInt8](repeating: UInt8(number), count: 1000))
        }
      }
    }
  }

  @Test func filesLargerThanTheLimitStillPassOneAtATime() throws {
    try withTemporaryFolder { folder in
      let locations = (0..<4).map { ByteString("\(folder)/\($0)") }
      for location in locations {
        try Data(count: 5000).write(to: URL(fileURLWithPath: location.description))
      }
      let files = ReadAhead(byteLimit: 1)
      defer { files.close() }
      _ = files.append(locations)
      for number in 0..<4 { #expect(try files.take(number).get().count == 5000) }
    }
  }
}
