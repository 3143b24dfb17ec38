import Foundation
import Testing

/// A built program, run as a user runs it.
struct Program {
  /// What a finished run left.
  struct Run {
    let status: Int32
    let output: String
    let errors: String
  }

  /// A run that goes on while the test does something to it.
  final class Running {
    let process: Process
    private let folder: String
    private let deadline: Date

    fileprivate init(_ process: Process, folder: String, deadline: Date) {
      self.process = process
      self.folder = folder
      self.deadline = deadline
    }

    /// What standard error holds so far.
    var errors: String { Running.text("\(folder)/errors") }

    /// Waits for the end; a run past its time limit is killed and fails the test.
    func wait(sourceLocation: SourceLocation = #_sourceLocation) -> Run {
      while process.isRunning && Date() < deadline { usleep(5_000) }
      if process.isRunning {
        Issue.record("still running at the time limit", sourceLocation: sourceLocation)
        kill(process.processIdentifier, SIGKILL)
      }
      process.waitUntilExit()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      return Run(
        status: process.terminationStatus, output: Running.text("\(folder)/output"),
        errors: errors)
    }

    private static func text(_ path: String) -> String {
      String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
  }

  let path: String
  /// Ranks under `mpirun`; nil for a plain process.
  let ranks: Int?

  static let decaf = Program(path: "\(folder)/decaf", ranks: nil)
  static let conformance = Program(path: "\(folder)/MPIConformance", ranks: nil)
  static let demoImages = Program(path: "\(folder)/DemoImages", ranks: nil)

  /// The same program under `mpirun` with so many ranks, whatever the machine has.
  func on(ranks: Int?) -> Program { Program(path: path, ranks: ranks) }

  /// Where the build put the programs: beside the test bundle.
  private static let folder: String = {
    let fromBundle = Bundle.allBundles.map(\.bundlePath).filter { $0.hasSuffix(".xctest") }
    let candidates = (fromBundle + CommandLine.arguments).map {
      URL(fileURLWithPath: $0).deletingLastPathComponent().path
    }
    return candidates.first { FileManager.default.isExecutableFile(atPath: "\($0)/decaf") }
      ?? candidates[0]
  }()

  /// Starts the program and returns at once.
  ///
  /// - Parameter input: what it finds on standard input.
  func start(
    _ arguments: [String], environment: [String: String] = [:], seconds: Double = 120,
    input: [UInt8] = []
  ) throws -> Running {
    let scratch = NSTemporaryDirectory() + "decaf-run-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    for name in ["output", "errors"] {
      _ = FileManager.default.createFile(atPath: "\(scratch)/\(name)", contents: nil)
    }
    let process = Process()
    if let ranks {
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments =
        ["mpirun", "--oversubscribe", "-np", "\(ranks)"]
        + environment.keys.sorted().flatMap {
          ["-x", $0]
        } + [path] + arguments
    } else {
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = arguments
    }
    // Open MPI refuses to run as root without both.
    let variables = ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"]
    let plain = ranks == nil ? [:] : variables
    process.environment = ProcessInfo.processInfo.environment.merging(plain) { $1 }
      .merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    if !input.isEmpty {
      try Data(input).write(to: URL(fileURLWithPath: "\(scratch)/input"))
      process.standardInput = FileHandle(forReadingAtPath: "\(scratch)/input")
    }
    process.standardOutput = FileHandle(forWritingAtPath: "\(scratch)/output")
    process.standardError = FileHandle(forWritingAtPath: "\(scratch)/errors")
    // Threads of the test runner block all signals, and children inherit that.
    var nothing = sigset_t()
    var before = sigset_t()
    sigemptyset(&nothing)
    pthread_sigmask(SIG_SETMASK, &nothing, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try process.run()
    return Running(process, folder: scratch, deadline: Date(timeIntervalSinceNow: seconds))
  }

  /// Runs the program to its end.
  func run(
    _ arguments: [String], environment: [String: String] = [:], seconds: Double = 120,
    input: [UInt8] = [], sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Run {
    try start(arguments, environment: environment, seconds: seconds, input: input).wait(
      sourceLocation: sourceLocation)
  }
}

extension Program {
  /// Runs the program, which waits at `place`, a `PausePoint`, until `change` is made.
  ///
  /// - Parameter folder: for the files by which both sides know.
  func run(
    _ arguments: [String], pausedAt place: String, in folder: String, _ change: () throws -> Void
  ) throws -> Run {
    try run(arguments, pausedAt: place, in: folder) { _ in try change() }
  }

  /// The same; the running program is given to `change`.
  func run(
    _ arguments: [String], pausedAt place: String, in folder: String,
    _ change: (Running) throws -> Void
  ) throws -> Run {
    let pause = "\(folder)/pause-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: pause, withIntermediateDirectories: true)
    let running = try start(
      arguments,
      environment: ["DECAF_FAULT_PAUSE": place, "DECAF_FAULT_PAUSE_FOLDER": pause])
    let deadline = Date(timeIntervalSinceNow: 60)
    while Date() < deadline, running.process.isRunning,
      !FileManager.default.fileExists(atPath: "\(pause)/paused")
    { usleep(2_000) }
    #expect(running.process.isRunning, "the command never came to \(place)")
    try change(running)
    _ = FileManager.default.createFile(atPath: "\(pause)/continue", contents: nil)
    return running.wait()
  }
}
