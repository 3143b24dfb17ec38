// What rank 0 takes in, as `Scripts/bench coordinator` measures it: a whole extraction, under `mpirun`, but
// for images and network. Rows are zeros and cost nothing.
//
//   CoordinatorBenchmark FOLDER ROWS VALUES BATCH coordinator|direct
//
// FOLDER should be memory: what is measured is not a disk. Prints a line of JSON on rank 0: rows, bytes a
// row, seconds from the first batch to the last record, and of these, on rank 0's own thread, taking in.

import Communication
import ConvNet
import Extraction
import Files
import Foundation
import Logging
import MPI
import Tensors

struct WrongUsage: Error {}

/// A network whose last layer has so many values, and the list.
func prepare(_ folder: String, rows: Int, values: Int) throws {
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  let text = """
    name: "Wide" input: "data" input_dim: 1 input_dim: 3 input_dim: 4 input_dim: 4
    layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
      inner_product_param { num_output: \(values) } }
    """
  try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/network.prototxt"))
  let network = try Architecture.named("\(folder)/network.prototxt")
  try Model.generate(architecture: network, seed: 1).write(to: "\(folder)/model.safetensors")
  let lines = (0..<rows).map { "images/\($0 / 1000)/\($0).jpg\n" }
  try Data(lines.joined().utf8).write(to: URL(fileURLWithPath: "\(folder)/list.txt"))
}

func run(_ arguments: [String], _ communicator: some Communicator) throws {
  guard arguments.count == 5, let rows = Int(arguments[1]), let values = Int(arguments[2]),
    let batch = Int(arguments[3]), let gather = GatherMode(rawValue: arguments[4])
  else { throw WrongUsage() }
  let folder = arguments[0]
  if communicator.isRoot { try prepare(folder, rows: rows, values: values) }
  try communicator.barrier()
  var transform = try InputTransform.named("caffe")
  transform.crop = 4
  var request = ExtractionRequest(RecipeOptions(transform: transform))
  request.recipe.architecture = try Architecture.named("\(folder)/network.prototxt")
  request.list = "\(folder)/list.txt"
  request.model = "\(folder)/model.safetensors"
  request.output = "\(folder)/store"
  request.layers = [try BlobName(parsing: "fc")]
  request.batchSize = batch
  request.gather = gather
  // Rank 0 has its core to itself where there is another worker.
  request.dedicatedCoordinator = communicator.size > 1
  request.overwrite = true
  request.progress = .log
  let summary = try ExtractionJob(
    request, communicator: communicator, team: ThreadTeam(threadCount: 1),
    log: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }, makesZeros: true
  ).run()
  guard communicator.isRoot else { return }
  let result = JSONValue.object([
    "rows": .number(Double(summary.rowsNow)), "rowBytes": .number(Double(4 * values)),
    "seconds": .number(summary.workSeconds), "gatherSeconds": .number(summary.gatherSeconds),
    "writeSeconds": .number(summary.writeSeconds),
  ])
  print(result.compactText)
}

StopSignal.uninstall()
let arguments = Array(CommandLine.arguments.dropFirst())
do {
  try MPIUniverse.run { try run(arguments, $0) }
} catch {
  FileHandle.standardError.write(Data("CoordinatorBenchmark: \(error)\n".utf8))
  exit(ExitStatus(of: error).rawValue)
}
