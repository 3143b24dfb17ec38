// Training steps as `Scripts/bench train-network` runs them beside its peers, alone or under mpirun.
//
//   TrainingBenchmark MODEL BATCH THREADS INPUT OUTPUT
//
// INPUT is batch × 3 × 227 × 227 raw float32; image i is of class i. Takes one step and writes the
// gradients to OUTPUT, layer by layer; then takes a step for every line on standard input and prints the
// seconds it took. For the line `allreduce` it sums as many numbers over ranks as the network has, which is
// what training would move if ranks shared images alone.

import Communication
import ConvNet
import Foundation
import MPI
import NetworkTraining
import Tensors

/// Prints a line that whoever waits at the other end of a pipe gets at once.
func answer(_ line: String) {
  print(line)
  fflush(nil)
}

func serve(_ arguments: [String], _ communicator: some Communicator) throws {
  guard arguments.count == 5, let batch = Int(arguments[1]), let threads = Int(arguments[2]) else {
    print("usage: TrainingBenchmark MODEL BATCH THREADS INPUT OUTPUT")
    exit(64)
  }
  let model = try Model.open(arguments[0])
  let stepper = try TrainingStepper(
    model, labels: Array(0..<batch), rate: 1e-6, communicator: communicator,
    team: ThreadTeam(threadCount: threads))
  let width = model.definition.inputShape.count
  let input = try Data(contentsOf: URL(fileURLWithPath: arguments[3]), options: .alwaysMapped)
  guard input.count == 4 * batch * width else {
    print("\(arguments[3]): expected \(batch * width) values, found \(input.count / 4)")
    exit(65)
  }
  for image in stepper.own {
    let bytes = input[4 * image * width..<4 * (image + 1) * width]
    stepper.setImage(
      image,
      bytes.withUnsafeBytes {
        $0.bindMemory(to: UInt32.self).map { Float(bitPattern: UInt32(littleEndian: $0)) }
      })
  }
  try stepper.step()
  let gradients = try stepper.gradients()
  if communicator.isRoot {
    let bytes = gradients.withUnsafeBytes { Data($0) }
    try bytes.write(to: URL(fileURLWithPath: arguments[4]))
    answer("\(stepper.kernelClass.rawValue) kernels")
  }
  while true {
    let line = communicator.isRoot ? readLine() : nil
    var order: [UInt8] = [line == nil ? 0 : line == "allreduce" ? 2 : 1]
    try communicator.broadcast(&order, root: 0)
    if order == [0] { return }
    let seconds =
      try ContinuousClock().measure {
        if order == [2] { try stepper.sumPlainly() } else { try stepper.step() }
      } / .seconds(1)
    if communicator.isRoot { answer("\(seconds)") }
  }
}

let arguments = Array(CommandLine.arguments.dropFirst())
if MPIUniverse.isLaunched(ProcessInfo.processInfo.environment) {
  try MPIUniverse.run { try serve(arguments, $0) }
} else {
  try serve(arguments, InProcessCommunicator.alone())
}
