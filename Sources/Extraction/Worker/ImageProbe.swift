internal import ConvNet
internal import Files
internal import Foundation
internal import Images
internal import Tensors

/// Tries an image in a process of its own, so that one that kills its process is found out.
///
/// An image is guilty only when its own child dies twice of SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGTRAP
/// or SIGFPE, or runs out of time twice. SIGKILL and SIGTERM accuse no image: they come from outside.
package enum ImageProbe {
  /// The hidden subcommand that a child runs.
  package static let subcommand = "probe-image"

  private static let accusing: [Int32: String] = [
    SIGSEGV: "SIGSEGV", SIGBUS: "SIGBUS", SIGABRT: "SIGABRT", SIGILL: "SIGILL", SIGTRAP: "SIGTRAP",
    SIGFPE: "SIGFPE",
  ]

  /// Why the image must not be decoded in this process; nil when it may be.
  ///
  /// - Parameter seconds: how long decoding it may take.
  static func verdict(
    on item: BatchItem, loader: ImageLoader, seconds: Double
  ) throws -> String? {
    guard let first = try fault(of: item, loader, seconds),
      let second = try fault(of: item, loader, seconds)
    else { return nil }
    let faults = first == second ? "\(first) twice" : "\(first), then \(second)"
    return first == Self.overtime && second == Self.overtime
      ? "hangs: decoding it took longer than \(seconds.formatted()) s, twice (--image-timeout)"
      : "crashed: decoding it killed its process (\(faults))"
  }

  private static let overtime = "out of time"

  /// What the child does: reads the request from standard input, loads the image, and forgets it.
  ///
  /// An image that cannot be decoded is no fault here: the worker will record it.
  package static func runChild() throws {
    let request = [UInt8](FileHandle.standardInput.readDataToEndOfFile())
    var reader = ByteReader(SharedBytes(request))
    let transform = try JSONDecoder().decode(
      InputTransform.self, from: Data(try reader.byteArray()))
    guard let views = Views(rawValue: try reader.string()) else {
      throw ByteCodecError.invalid("unknown views")
    }
    guard let mode = DecodeMode(rawValue: try reader.string()) else {
      throw ByteCodecError.invalid("an unknown way to decode")
    }
    // It must not outlive for long the process that asks, which may be killed before it ends this one.
    alarm(UInt32(min(try reader.double(), 1e6)) + 5)
    let pixelLimit = Int(try reader.integer(Int64.self))
    let item = try reader.batchItem()
    let loader = ImageLoader(
      transform: transform, views: views, decode: mode, pixelLimit: pixelLimit,
      faults: FaultInjection())
    let file = Result { () throws(ImageError) in try ImageFile.read(item.location) }
    let writer = loader.makeWriter(NetworkKernels(try KernelClass.current))
    let input = FloatBuffer(count: transform.inputLayout.count)
    _ = try? loader.load(file, item, with: writer) { _ in
      ImagePlace(FeatureMap(input, writer.inputLayout))
    }
  }

  /// The accusing signal that a child trying `item` died of, or that it ran out of time; or nil.
  private static func fault(
    of item: BatchItem, _ loader: ImageLoader, _ seconds: Double
  ) throws -> String? {
    var request = ByteWriter()
    request.write([UInt8](try JSONEncoder().encode(loader.transform)))
    request.write(loader.views.rawValue)
    request.write(loader.decode.rawValue)
    request.write(seconds)
    request.write(Int64(loader.pixelLimit))
    request.write(item)

    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    child.arguments = [subcommand]
    // Without the launcher's variables: the child is no rank.
    child.environment = ProcessInfo.processInfo.environment.filter { name, _ in
      !["OMPI_", "PMIX_", "PMI_", "ORTE_"].contains { name.hasPrefix($0) }
    }
    let input = Pipe()
    child.standardInput = input
    child.standardOutput = FileHandle.nullDevice
    child.standardError = FileHandle.nullDevice
    try child.run()
    // A child that is already dead makes this throw EPIPE (distributed commands ignore SIGPIPE); what
    // it died of is asked below.
    try? input.fileHandleForWriting.write(contentsOf: Data(request.bytes))
    try? input.fileHandleForWriting.close()
    let end = ContinuousClock.now + .seconds(seconds)
    while child.isRunning {
      if ContinuousClock.now >= end {
        kill(child.processIdentifier, SIGKILL)
        child.waitUntilExit()
        return overtime
      }
      usleep(2000)
    }
    guard child.terminationReason == .uncaughtSignal else { return nil }
    return accusing[child.terminationStatus]
  }
}
