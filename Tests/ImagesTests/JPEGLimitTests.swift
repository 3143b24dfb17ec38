import Files
import Images
import TestSupport
import Testing

/// What is refused, and why.
@Suite struct JPEGLimitTests {
  @Test(
    arguments: [
      ([], "an empty file"),
      (Array("GIF89a".utf8), "GIF"),
      (Array("BM6".utf8), "BMP"),
      (Array("II*\0".utf8), "TIFF"),
      (Array("\0\0\0\u{18}ftypheic".utf8), "HEIF or AVIF"),
      (Array("%PDF-1.4".utf8), "PDF"),
      (Array("<!DOCTYPE html>".utf8), "HTML or XML, perhaps a server's error page"),
      (Array("\n\n<html>".utf8), "HTML or XML, perhaps a server's error page"),
      (Array("no such image\n".utf8), "plain text"),
      ([0xFF], "data of an unknown format"),
      ([1, 2, 3], "data of an unknown format"),
    ] as [([UInt8], String)])
  func otherFormatsAreNamed(bytes: [UInt8], found: String) {
    #expect(throws: ImageError.notAnImage(found: found)) { try ImageDecoder.decode(bytes) }
  }

  @Test func headerBeyondThePixelLimitIsRefusedBeforeAnythingIsAllocated() throws {
    var bytes = try JPEGTests.file()
    let frame = try #require(bytes.segment(0xC0))
    // Height, then width, follow marker, length and precision.
    bytes.replaceSubrange(frame.lowerBound + 5..<frame.lowerBound + 9, with: [0x30, 0, 0x30, 0])
    #expect(
      throws: ImageError.tooManyPixels(
        width: 0x3000, height: 0x3000, limit: ImageDecoder.pixelLimit)
    ) { try ImageDecoder.decode(bytes) }
  }

  @Test func progressiveImageBeyondTheMemoryLimitIsRefused() throws {
    var bytes = try JPEGTests.file(.init(isProgressive: true, isSubsampled: false))
    let frame = try #require(bytes.segment(0xC2))
    bytes.replaceSubrange(frame.lowerBound + 5..<frame.lowerBound + 9, with: [0x20, 0, 0x20, 0])
    #expect(throws: ImageError.tooMuchMemory(limitMegabytes: 256)) {
      try ImageDecoder.decode(bytes)
    }
  }

  @Test func endlessScansAreRefused() throws {
    let bytes = try JPEGTests.file(.init(isProgressive: true))
    // The last scan, once more and again: its header, its data, up to the end marker.
    let end = bytes.count - 2
    let last = try #require((0..<end).last { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA })
    let scan = Array(bytes[last..<end])
    func file(repeating count: Int) -> [UInt8] {
      bytes[..<end] + (0..<count).flatMap { _ in scan } + [0xFF, 0xD9]
    }
    #expect(throws: ImageError.tooManyScans(limit: 100)) {
      try ImageDecoder.decode(file(repeating: 200))
    }
    #expect(try ImageDecoder.decode(file(repeating: 1)).warning != nil)
  }

  @Test func twelveBitSamplesAreUnsupported() throws {
    var bytes = try JPEGTests.file()
    let frame = try #require(bytes.segment(0xC0))
    bytes[frame.lowerBound + 4] = 12
    #expect {
      try ImageDecoder.decode(bytes)
    } throws: { error in
      if case .unsupported? = error as? ImageError { true } else { false }
    }
  }

  @Test func sidesBeyondTheFormatCannotBeWritten() {
    let wide = RGBImage(width: 70_000, height: 1, pixels: Array(repeating: 0, count: 210_000))
    #expect {
      try JPEGEncoder.encode(wide)
    } throws: { error in
      if case .cannotEncode? = error as? ImageError { true } else { false }
    }
  }

  @Test func filesThatAreNoneAreNamed() throws {
    try withTemporaryFolder { folder in
      #expect(throws: ImageError.notAFile(found: "a folder")) {
        try ImageFile.read(ByteString(folder))
      }
      #expect(throws: ImageError.notAFile(found: "a device, pipe or socket")) {
        try ImageFile.read(ByteString("/dev/null"))
      }
      #expect(throws: ImageError.unreadable(operation: "open", code: 2)) {
        try ImageFile.read(ByteString("\(folder)/none.jpg"))
      }
      #expect(
        "\(ImageError.unreadable(operation: "open", code: 2))"
          == "cannot open the file: No such file or directory")
    }
  }
}
