// The engine as `Scripts/bench engine` runs it beside its peers: one process, one batch a request.
//
//   EngineBenchmark MODEL LAYER BATCH THREADS INPUT OUTPUT [PRECISION]
//
// INPUT is the batch's inputs, channels first, raw float32. Runs once and writes the layer's rows to OUTPUT; then
// runs the batch once for every line on standard input and prints the seconds it took. The line
// `layers` prints milliseconds an image by layer in place of that, `products` those of the products alone
// with millions of multiply-adds an image.

import ConvNet
import Foundation
import Tensors

/// Prints a line that whoever waits at the other end of a pipe gets at once.
func answer(_ line: String) {
  print(line)
  fflush(nil)
}

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count == 6 || arguments.count == 7,
  let precision = Precision(rawValue: arguments.count == 7 ? arguments[6] : "fp32"),
  let batch = Int(arguments[2]), let threads = Int(arguments[3])
else {
  print("usage: EngineBenchmark MODEL LAYER BATCH THREADS INPUT OUTPUT [fp32|bf16]")
  exit(64)
}
do {
  try precision.requireAvailable()
} catch {
  FileHandle.standardError.write(Data("EngineBenchmark: \(error)\n".utf8))
  exit(65)
}
let input = try Data(contentsOf: URL(fileURLWithPath: arguments[4])).withUnsafeBytes {
  $0.bindMemory(to: UInt32.self).map { Float(bitPattern: UInt32(littleEndian: $0)) }
}
let model = try Model.open(arguments[0])
let width = model.definition.inputShape.count
guard input.count == batch * width else {
  print("\(arguments[4]): expected \(batch * width) values, found \(input.count)")
  exit(65)
}
let engine = try Engine(
  model: model, outputs: [BlobName(parsing: arguments[1])], capacity: batch,
  precision: precision, team: ThreadTeam(threadCount: threads))
for image in 0..<batch {
  engine.setInput(image, Array(input[image * width..<(image + 1) * width]))
}
engine.run(count: batch)
var output = Data()
for image in 0..<batch {
  engine.row(0, image: image).withUnsafeBytes { output.append(contentsOf: $0) }
}
try output.write(to: URL(fileURLWithPath: arguments[5]))
answer(precision == .fp32 ? engine.kernelClass.rawValue : precision.rawValue)

while let request = readLine() {
  if request == "layers" {
    let times = engine.measure(count: batch).map { layer, seconds in
      "\(layer)=\(String(format: "%.4f", seconds * 1000 / Double(batch)))"
    }
    answer(times.joined(separator: ","))
  } else if request == "products" {
    let images = Double(batch)
    let times = engine.measureProducts(count: batch).map {
      "\($0.layer)=\($0.seconds * 1000 / images):\(Double($0.multiplyAdds) / 1e6 / images)"
    }
    answer(times.joined(separator: ","))
  } else {
    answer("\(ContinuousClock().measure { engine.run(count: batch) } / .seconds(1))")
  }
}
