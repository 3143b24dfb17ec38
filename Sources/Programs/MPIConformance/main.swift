// Run under `mpirun`: the conformance checks of `Communicator` with real ranks, and ways to fail.
//
//   MPIConformance check            every check; prints a line on rank 0
//   MPIConformance large            a gather of more than 2 GiB, which takes 5 GB of memory
//   MPIConformance fail RANK        that rank fails while the others wait: the job must end, non-zero
//   MPIConformance freeze RANK AT   that rank stops for good at a place (message, barrier, allreduce,
//                                   broadcast, gather): the others must name it, and end with 75

import Communication
import ConformanceSupport
import Files
import Foundation
import MPI

struct WrongUsage: Error {}

let arguments = Array(CommandLine.arguments.dropFirst())
StopSignal.uninstall()
do {
  try MPIUniverse.run { communicator in
    switch arguments.first {
    case "check":
      try CommunicatorConformance.check(communicator)
      if communicator.rank == 0 { print("conformance holds at \(communicator.size) ranks") }
    case "large":
      try gatherMoreThan32Bits(communicator)
    case "fail" where arguments.count == 2:
      if communicator.rank == Int(arguments[1]) { communicator.abort(.internalFailure) }
      try communicator.barrier()
    case "freeze" where arguments.count == 3:
      communicator.watch.limit = 1
      try freeze(communicator, rank: Int(arguments[1])!, at: arguments[2])
    default:
      throw WrongUsage()
    }
  }
} catch {
  FileHandle.standardError.write(Data("MPIConformance: \(error)\n".utf8))
  // As the program does: the error of one rank ends all.
  exit(ExitStatus(of: error).rawValue)
}

/// Each rank contributes a part whose length and bytes are its own.
func gatherMoreThan32Bits(_ communicator: MPICommunicator) throws {
  let length = (5 << 29) / communicator.size
  let own = [UInt8](repeating: UInt8(communicator.rank + 1), count: length + communicator.rank)
  let parts = try communicator.gather(own, root: 0)
  guard communicator.rank == 0 else { return }
  for (rank, part) in parts.enumerated() {
    guard part.count == length + rank, part.allSatisfy({ $0 == UInt8(rank + 1) }) else {
      throw CommunicatorConformance.Violation(description: "rank \(rank)'s part of a large gather")
    }
  }
  print("gathered \(parts.reduce(0) { $0 + $1.count }) bytes")
}

/// Stops this process, as a frozen host does, when it is the one that `rank` names.
func freeze(_ communicator: MPICommunicator, rank: Int, at place: String) throws {
  communicator.activity = Activity(phase: "before the \(place)", images: 7)
  try communicator.barrier()
  let isFrozen = communicator.rank == rank
  // Three of MPI's own pieces: the receiver has begun when the sender stops.
  var bytes = [UInt8](repeating: 1, count: 96 << 20)
  var values = [Int64](repeating: 1, count: 1 << 22)
  if place == "message" {
    let tag = Tag(rawValue: 1)
    if isFrozen {
      try communicator.send(bytes, to: 0, tag: tag)
      // Until the receiver has granted it, but not until all has left.
      for _ in 0..<20 {
        communicator.beat()
        usleep(1000)
      }
    }
  }
  if isFrozen { kill(getpid(), SIGSTOP) }
  switch place {
  case "message":
    while true {
      if try communicator.receive(tag: Tag(rawValue: 1)) != nil { break }
      usleep(1000)
    }
    try communicator.barrier()
  case "barrier": try communicator.barrier()
  case "allreduce": try communicator.allreduce(&values, .sum)
  case "broadcast": try communicator.broadcast(&bytes, root: rank)
  case "gather": _ = try communicator.gather(bytes, root: 0)
  default: throw WrongUsage()
  }
}
