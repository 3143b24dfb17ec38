// Shows what the modules make of image files, for checks by other programs.
//
//   ImageInspector decode FILE...          a line a file: path, status, width, height, mean R, G, B, message
//   ImageInspector pixels FILE OUTPUT      the decoded image as a binary PPM
//   ImageInspector network MODEL ARCHITECTURE INPUT LAYER OUTPUT   activations of raw float32
//   ImageInspector sift FILE OUTPUT        dense SIFT descriptors as raw float32, 128 a patch
//   ImageInspector layers MODEL LAYER BATCH ROUNDS    a line a layer: ms an image, median, one thread
//   ImageInspector time FILE [TRANSFORM]   milliseconds to decode and to transform, shortest of 30

import ConvNet
import Descriptors
import Files
import Foundation
import Images
import Tensors

func decode(_ path: String) throws -> DecodedImage {
  try ImageDecoder.decode(ImageFile.read(ByteString(path)))
}

func describe(_ path: String) -> String {
  do {
    let decoded = try decode(path)
    let image = decoded.image
    let means = (0..<3).map { channel in
      let sum = stride(from: channel, to: image.pixels.count, by: 3).reduce(0) {
        $0 + Int(image.pixels[$1])
      }
      return String(format: "%.2f", Double(sum) / Double(image.width * image.height))
    }
    return "\(path)\tok\t\(image.width)\t\(image.height)\t"
      + means.joined(separator: "\t") + "\t\(decoded.warning ?? "")"
  } catch {
    return "\(path)\tfailed\t\t\t\t\t\t\(error)"
  }
}

let arguments = Array(CommandLine.arguments.dropFirst())
switch (arguments.first, arguments.count) {
case ("decode", 2...):
  for path in arguments.dropFirst() { print(describe(path)) }
case ("pixels", 3):
  let image = try decode(arguments[1]).image
  let header = Data("P6\n\(image.width) \(image.height)\n255\n".utf8)
  try (header + Data(image.pixels)).write(to: URL(fileURLWithPath: arguments[2]))
case ("network", 6):
  let values = try Data(contentsOf: URL(fileURLWithPath: arguments[3])).withUnsafeBytes {
    $0.bindMemory(to: UInt32.self).map { Float(bitPattern: UInt32(littleEndian: $0)) }
  }
  let model = try Model.open(
    arguments[1], architecture: try Architecture.named(arguments[2]))
  let engine = try Engine(
    model: model, outputs: [BlobName(parsing: arguments[4])], capacity: 1,
    team: ThreadTeam(threadCount: 1))
  engine.setInput(0, values)
  engine.run(count: 1)
  let bytes = engine.row(0, image: 0).flatMap {
    withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init)
  }
  try Data(bytes).write(to: URL(fileURLWithPath: arguments[5]))
case ("sift", 3):
  let writer = InputWriter(
    DescriptorKind.llc.transform, views: .center, mode: .exact,
    kernels: NetworkKernels(try KernelClass.current))
  var map: FeatureMap?
  _ = try writer.write(try ImageFile.read(ByteString(arguments[1])), box: nil) { _ in
    map = FeatureMap(writer.inputLayout)
    return ImagePlace(map!)
  }
  let values = DenseSIFT().run(map!).values
  try Data(NumberBytes.bytes(values)).write(to: URL(fileURLWithPath: arguments[2]))
case ("layers", 5):
  let (count, rounds) = (Int(arguments[3])!, Int(arguments[4])!)
  let model = try Model.open(arguments[1], architecture: nil)
  let engine = try Engine(
    model: model, outputs: [BlobName(parsing: arguments[2])], capacity: count,
    team: ThreadTeam(threadCount: 1))
  for image in 0..<count {
    engine.setInput(
      image, (0..<model.definition.inputShape.count).map { Float(($0 * 7919 + image) % 251) - 120 })
  }
  let runs = (0..<rounds).map { _ in engine.measure(count: count) }
  var total = 0.0
  for layer in runs[0].indices {
    let seconds = runs.map { $0[layer].seconds }.sorted()[rounds / 2]
    total += seconds
    print(runs[0][layer].layer, String(format: "%.3f", seconds * 1000 / Double(count)))
  }
  print("images/s", String(format: "%.1f", Double(count) / total))
case ("time", 2...3):
  let transform = try InputTransform.named(arguments.count == 3 ? arguments[2] : "caffe")
  let bytes = try ImageFile.read(ByteString(arguments[1]))
  let layout = transform.inputLayout
  let places = (0..<10).map { _ in ImagePlace(FeatureMap(layout)) }
  let kernels = NetworkKernels(try KernelClass.current)
  for mode in DecodeMode.allCases {
    for views in [Views.center, .ten] {
      let writer = InputWriter(transform, views: views, mode: mode, kernels: kernels)
      var last = writer.clock
      var best = (decode: Double.infinity, transform: Double.infinity)
      for _ in 0..<30 {
        _ = try writer.write(bytes, box: nil) { places[$0] }
        let clock = writer.clock
        best.decode = min(best.decode, clock.decodeSeconds - last.decodeSeconds)
        best.transform = min(best.transform, clock.transformSeconds - last.transformSeconds)
        last = clock
      }
      print(
        "\(mode.rawValue), \(views.rawValue): decode \(best.decode * 1000) ms, "
          + "transform \(best.transform * 1000) ms")
    }
  }
default:
  print("usage: ImageInspector decode|pixels|network|sift|layers|time …")
  exit(64)
}
