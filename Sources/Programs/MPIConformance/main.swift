// Run under `mpirun`: the conformance checks of `Communicator` with real ranks, and ways to fail.
//
//   MPIConformance check        every check; prints a line on rank 0
//   MPIConformance fail RANK    that rank fails while the others wait: the job must end, non-zero

import Files
import Foundation
import MPI
import ConformanceSupport

struct DeliberateFailure: Error {}

let arguments = CommandLine.arguments
do {
  try MPIUniverse.run { communicator in
    switch arguments.dropFirst().first {
    case "check":
      try CommunicatorConformance.check(communicator)
      if communicator.rank == 0 { print("conformance holds at \(communicator.size) ranks") }
    case "fail":
      let failing = arguments.count > 2 ? Int(arguments[2]) : nil
      if communicator.rank == failing { communicator.abort(.internalFailure) }
      try communicator.barrier()
    default:
      throw DeliberateFailure()
    }
  }
} catch {
  FileHandle.standardError.write(Data("MPIConformance: \(error)\n".utf8))
  exit(70)
}
