import Formats
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Formats

@Suite struct SafetensorsTests {
  /// A file of `json` and `dataByteCount` bytes of data.
  private func file(_ json: String, _ dataByteCount: Int = 0, data: [UInt8]? = nil) -> [UInt8] {
    ProtobufEncoder.littleEndian(UInt64(json.utf8.count)) + Array(json.utf8)
      + (data ?? [UInt8](repeating: 0, count: dataByteCount))
  }

  private func open(_ bytes: [UInt8]) throws -> SafetensorsFile {
    try withTemporaryFolder {
      try SafetensorsFile(writeTestFile(bytes, "x.safetensors", in: $0))
    }
  }

  private func error(_ bytes: [UInt8]) throws -> SafetensorsError? {
    do {
      _ = try open(bytes)
      return nil
    } catch let error as SafetensorsError { return error }
  }

  @Test func tensorsAndMetadataComeBack() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/x.safetensors"
      let metadata = ["plain": "text", "odd \"key\"\\": "tab\tnewline\nbell\u{7} ü 🐈", "": ""]
      let values = (0..<24).map { Float($0) / 3 }
      try SafetensorsWriter.write(
        path, metadata: metadata,
        tensors: [("z", [2, 3, 4], values), ("empty", [0, 5], []), ("a", [], [7])])
      let file = try SafetensorsFile(path)
      #expect(file.metadata == metadata)
      #expect(file.tensors.map(\.name) == ["z", "empty", "a"])
      #expect(file.tensor(named: "z")?.shape == [2, 3, 4])
      #expect(file.tensor(named: "z")!.range.lowerBound % 64 == 0)
      #expect(try file.floats("z") == values)
      #expect(try file.floats("empty") == [])
      #expect(try file.floats("a") == [7])
      #expect(throws: SafetensorsError.self) { try file.floats("b") }
    }
  }

  @Test func bytesAreThoseOfTheFormat() {
    let header = SafetensorsWriter.header(
      metadata: ["b": "2", "a": "1"], tensors: [.init("w", [2, 3]), .init("bias", [2])])
    let json =
      #"{"__metadata__":{"a":"1","b":"2"},"bias":{"data_offsets":[24,32],"dtype":"F32","shape":[2]},"#
      + #""w":{"data_offsets":[0,24],"dtype":"F32","shape":[2,3]}}"#
    let text = String(decoding: header[8...], as: UTF8.self)
    #expect(text.trimmingCharacters(in: .whitespaces) == json)
    #expect(header.count % 64 == 0)
    #expect(header[0..<8].reversed().reduce(0) { $0 << 8 | Int($1) } == header.count - 8)
  }

  @Test func doublesComeBackWithoutRounding() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/x.safetensors"
      let writer = try SafetensorsWriter(
        path, metadata: [:], tensors: [.init("f", [3]), .init("d", [2, 2], .float64)])
      try writer.append([0.5, 1, 2].span as Span<Float>)
      try writer.append([0.1, -0.0].span as Span<Double>)
      try writer.append([.infinity, .leastNonzeroMagnitude].span as Span<Double>)
      try writer.finish()
      let file = try SafetensorsFile(path)
      #expect(file.tensor(named: "d")?.dtype == "F64")
      #expect(try file.floats("f") == [0.5, 1, 2])
      #expect(
        try file.doubles("d").map(\.bitPattern)
          == [0.1, -0.0, .infinity, .leastNonzeroMagnitude].map(\.bitPattern))
      #expect(throws: SafetensorsError.self) { try file.doubles("f") }
    }
  }

  @Test func everyFloatTypeIsConverted() throws {
    let data =
      ProtobufEncoder.littleEndian(Float16(-1.5).bitPattern)
      + ProtobufEncoder.littleEndian(UInt16(Float(3.25).bitPattern >> 16))
      + ProtobufEncoder.littleEndian((-0.1).bitPattern)
      + ProtobufEncoder.littleEndian(Float(0.3).bitPattern) + [1, 2, 3, 4]
    let file = try open(
      file(
        #"{"h":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}, "b":{"dtype":"BF16","shape":[1],"#
          + #""data_offsets":[2,4]},"d":{"dtype":"F64","shape":[1],"data_offsets":[4,12]},"#
          + #""f":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},"#
          + #""i":{"dtype":"I32","shape":[1],"data_offsets":[16,20]}}  "#, data: data))
    #expect(try file.floats("h") == [-1.5])
    #expect(try file.floats("b") == [3.25])
    #expect(try file.floats("d") == [-0.1])
    #expect(try file.floats("f") == [0.3])
    guard
      case .wrongElementType(_, "i", "I32")? =
        #expect(throws: SafetensorsError.self, performing: { try file.floats("i") })
    else {
      Issue.record("integers were read as floats")
      return
    }
  }

  @Test func escapesAreUnderstood() throws {
    let file = try open(file(#"{"__metadata__":{"\u0041\n":"\ud83d\udc08\/\u00fc"}}"#))
    #expect(file.metadata == ["A\n": "🐈/ü"])
  }

  @Test(arguments: [
    "", "{", "[]", "{}x", "{\"a\"}", "{\"a\":1}", "{\"a\":{}}", "{\"__metadata__\":[]}",
    #"{"__metadata__":{"a":1}}"#, #"{"__metadata__":{"a":"1","a":"2"}}"#,
    #"{"__metadata__":{"a":"\x"}}"#, #"{"__metadata__":{"a":"\ud800"}}"#,
    #"{"__metadata__":{"a":"\ud800\u0041"}}"#, #"{"__metadata__":{"a":"\udc00"}}"#,
    "{\"__metadata__\":{\"a\":\"\n\"}}",
    #"{"a":{"dtype":"F32","shape":[1]}}"#, #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#,
    #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":{}}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}"#,
  ])
  func malformedHeadersAreRefused(json: String) throws {
    switch try error(file(json, 4)) {
    case .malformedHeader: break
    case let other: Issue.record("\(json): \(String(describing: other))")
    }
  }

  @Test(arguments: [
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
    #"{"a":{"dtype":"X9","shape":[1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[4503599627370496,4503599627370496],"data_offsets":[0,4]}}"#,
  ])
  func contradictingTensorsAreRefused(json: String) throws {
    switch try error(file(json, 4)) {
    case .malformedTensor: break
    case let other: Issue.record("\(json): \(String(describing: other))")
    }
  }

  @Test func dataBeyondTheEndIsRefused() throws {
    let offset = 1 << 52
    let json =
      #"{"a":{"dtype":"U8","shape":[\#(offset)],"data_offsets":[0,\#(offset)]},"#
      + #""b":{"dtype":"U8","shape":[3],"data_offsets":[\#(offset),\#(offset + 3)]}}"#
    guard case .truncated? = try error(file(json, 8)) else {
      Issue.record("accepted")
      return
    }
    guard case .notSafetensors? = try error(file("{}", 8)) else {
      Issue.record("bytes after the last tensor were accepted")
      return
    }
    for length: UInt64 in [100_000_001, .max, 1 << 63] {
      guard
        case .notSafetensors? = try error(ProtobufEncoder.littleEndian(length) + Array("{}".utf8))
      else {
        Issue.record("a header of \(length) bytes was accepted")
        return
      }
    }
  }

  @Test func everyCutIsNoticed() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/x.safetensors"
      try SafetensorsWriter.write(
        path, metadata: ["a": "b"], tensors: [("w", [5, 5], [Float](repeating: 1, count: 25))])
      let bytes = try readTestFile(path)
      for cut in 0..<bytes.count {
        #expect(try error(Array(bytes[..<cut])) != nil, "cut at \(cut)")
      }
      for position in 0..<200 {
        var damaged = bytes
        damaged[position] ^= 0x11
        _ = try error(damaged)
      }
    }
  }
}
