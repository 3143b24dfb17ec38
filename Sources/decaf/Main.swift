internal import ArgumentParser
internal import Communication
internal import Foundation
internal import Logging
internal import MPI

/// Parses the command line, joins the other ranks where a launcher started them, and ends all ranks
/// with one status.
@main enum Main {
  static func main() {
    startWithOneBLASThread()
    // A file beyond the size limit is then an error of `write`, and what is recorded stays.
    signal(SIGXFSZ, SIG_IGN)
    let environment = ProcessInfo.processInfo.environment
    let launch = Launch(environment)
    let command: any ParsableCommand
    do {
      let arguments = try ConfigFile.expanding(Array(CommandLine.arguments.dropFirst()))
      command = try Decaf.parseAsRoot(arguments)
    } catch {
      leave(launch, with: error)
    }
    do {
      if let distributed = command as? any DistributedCommand, !distributed.isDryRun {
        exit(try run(distributed, launch).rawValue)
      }
      // Without ranks: under a launcher one process is enough.
      guard launch.isRoot else { exit(0) }
      if let distributed = command as? any DistributedCommand {
        try distributed.printPlan()
      } else {
        var command = command
        try command.run()
      }
      exit(0)
    } catch {
      leave(launch, with: error)
    }
  }

  /// Starts the program anew with `OPENBLAS_NUM_THREADS=1` in its environment, unless it is set.
  ///
  /// OpenBLAS reads the variable when it is loaded, before any code here runs, and otherwise starts a
  /// thread for every processor, on every rank of a node; this program never lets it use them.
  private static func startWithOneBLASThread() {
    let variable = "OPENBLAS_NUM_THREADS"
    guard getenv(variable) == nil, let path = realpath("/proc/self/exe", nil) else { return }
    setenv(variable, "1", 1)
    execv(path, CommandLine.unsafeArgv)
    free(path)  // not reached unless the program cannot be started anew: then with more threads
  }

  /// Runs `command` on all ranks.
  private static func run(
    _ command: some DistributedCommand, _ launch: Launch
  ) throws -> ExitStatus {
    if launch.isLaunched {
      return try MPIUniverse.run { run(command, on: $0) }
    }
    return run(command, on: InProcessCommunicator.alone())
  }

  /// Runs `command` on this rank; returns when all ranks may end, with the status of all.
  private static func run(
    _ command: some DistributedCommand, on communicator: some Communicator
  ) -> ExitStatus {
    RankLogHandler.bootstrap(communicator)
    let context = CommandContext(communicator: communicator)
    do {
      var status: [UInt8]
      do {
        status = [UInt8(try command.run(in: context).rawValue)]
      } catch let failure as JobFailure {
        // Every rank knows and none waits, so all can end in order.
        if communicator.isRoot { report(failure.description) }
        status = [UInt8(failure.status)]
      }
      fflush(nil)
      try communicator.broadcast(&status, root: 0)
      try communicator.barrier()
      return ExitStatus(rawValue: Int32(status[0])) ?? .internalFailure
    } catch {
      let place =
        communicator.size > 1 ? "rank \(communicator.rank) on \(communicator.hostName): " : ""
      report(place + "\(error)")
      fflush(nil)
      communicator.abort(status: ExitStatus(of: error).rawValue)
    }
  }

  /// Ends a process that never joined the others.
  private static func leave(_ launch: Launch, with error: any Error) -> Never {
    let status = ExitStatus(of: error)
    guard launch.isRoot else {
      // `mpirun` kills all ranks when one leaves with an error: rank 0 speaks first.
      Thread.sleep(forTimeInterval: 1)
      exit(status.rawValue)
    }
    if Decaf.exitCode(for: error) != .failure {
      Decaf.exit(withError: error)  // help, version and usage errors, as the parser words them
    }
    report("\(error)")
    exit(status.rawValue)
  }

  private static func report(_ text: String) {
    FileHandle.standardError.write(Data("decaf: error: \(text)\n".utf8))
  }
}

/// What the environment says about the launcher, before MPI is initialized.
private struct Launch {
  let isLaunched: Bool
  let isRoot: Bool

  init(_ environment: [String: String]) {
    isLaunched = MPIUniverse.isLaunched(environment)
    let rank = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"].lazy.compactMap {
      environment[$0]
    }.first
    isRoot = rank == nil || rank == "0"
  }
}
