internal import ArgumentParser
internal import Communication
internal import Files
internal import Foundation
internal import Logging
internal import MPI

/// Parses the command line, joins the other ranks where a launcher started them, and ends all ranks
/// with one status.
@main enum Main {
  static func main() {
    openStandardStreams()
    // A file beyond the size limit is then an error of `write`, and what is recorded stays.
    signal(SIGXFSZ, SIG_IGN)
    let environment = ProcessInfo.processInfo.environment
    let launch = Launch(environment)
    let command: any ParsableCommand
    do {
      let arguments = try ConfigFile.expanding(Array(CommandLine.arguments.dropFirst()))
      command = try Decaf.parseAsRoot(CommandLineCheck.run(arguments))
    } catch {
      leave(launch, with: error)
    }
    do {
      if let distributed = command as? any DistributedCommand, !distributed.isDryRun {
        if !type(of: distributed).stopsInOrder { StopSignal.uninstall() }
        signal(SIGPIPE, SIG_IGN)  // work goes on when nobody reads the messages any more
        exit(try run(distributed, launch).rawValue)
      }
      StopSignal.uninstall()
      // Without ranks: under a launcher one process is enough.
      guard launch.isRoot else { exit(0) }
      if let distributed = command as? any DistributedCommand {
        try distributed.printPlan()
      } else {
        var command = command
        try command.run()
      }
      try StandardOutput.flush()
      exit(0)
    } catch let error as ValidationError {
      // Of a command that was understood: the parser would show the usage of the program.
      leave(launch, with: UsageError(error, of: type(of: command)))
    } catch {
      leave(launch, with: error)
    }
  }

  /// Opens `/dev/null` for each standard stream that the parent has closed: the next file opened,
  /// the journal of a store, would get its number, and messages would be written into it.
  private static func openStandardStreams() {
    var descriptor: Int32 = 0
    repeat { descriptor = open("/dev/null", O_RDWR) } while 0...2 ~= descriptor
    if descriptor > 2 { close(descriptor) }
  }

  /// Runs `command` on all ranks.
  private static func run(
    _ command: some DistributedCommand, _ launch: Launch
  ) throws -> ExitStatus {
    if launch.isLaunched {
      return try MPIUniverse.run { communicator in
        try launch.checkSize(communicator.size)
        return run(command, on: communicator, isLaunched: true)
      }
    }
    try launch.checkSize(1)
    return run(command, on: InProcessCommunicator.alone(), isLaunched: false)
  }

  /// Runs `command` on this rank; returns when all ranks may end, with the status of all.
  private static func run(
    _ command: some DistributedCommand, on communicator: some Communicator, isLaunched: Bool
  ) -> ExitStatus {
    RankLogHandler.bootstrap(communicator)
    let context = CommandContext(communicator: communicator, isLaunched: isLaunched)
    do {
      var status: [UInt8]
      do {
        status = [UInt8(try command.run(in: context).rawValue)]
      } catch let failure as JobFailure {
        // Every rank knows and none waits, so all can end in order.
        if communicator.isRoot { report(failure.description) }
        status = [UInt8(failure.exitStatus.rawValue)]
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
      communicator.abort(ExitStatus(of: error))
    }
  }

  /// Ends a process that never joined the others.
  private static func leave(_ launch: Launch, with error: any Error) -> Never {
    let status = ExitStatus(ofParsing: error)
    guard launch.isRoot else {
      if status == .done { exit(status.rawValue) }  // help is printed once
      // `mpirun` kills all ranks when one leaves with an error: rank 0 speaks first. Who lives on met
      // the error alone: a file that is missing on this host.
      Thread.sleep(forTimeInterval: 3)
      report("\(launch.place): \(Decaf.message(for: error))")
      exit(status.rawValue)
    }
    if Decaf.exitCode(for: error) != .failure {
      Decaf.exit(withError: error)  // help, version and usage errors, as the parser words them
    }
    report("\(error)")
    exit(status.rawValue)
  }

  private static func report(_ text: String) {
    StandardError.write("decaf: error: \(text)\n")
  }
}
