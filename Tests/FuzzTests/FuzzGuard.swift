import Glibc
import Synchronization

/// Tells of a crash or an endless loop which case it was.
///
/// A trap cannot be caught in Swift: the handler of its signal writes a line that was made before the
/// case began, and lets the process die.
enum FuzzGuard {
  private static let capacity = 256
  // Written before a case by the one thread that runs cases (the suite is serialized), and read by the
  // handler of a signal, which may call nothing but `write`.
  nonisolated(unsafe) private static let line = UnsafeMutablePointer<UInt8>.allocate(
    capacity: capacity)
  nonisolated(unsafe) private static var count = 0

  /// More than any case takes on a busy machine.
  private static let seconds: UInt32 = 30

  /// Notes the case that is about to run.
  static func begin(_ target: String, seed: UInt64, caseNumber: Int) {
    var length = 0
    for byte in "fuzz: died in parser \(target), seed \(seed), case \(caseNumber)\n".utf8 {
      if length < capacity { line[length] = byte }
      length += 1
    }
    count = min(length, capacity)
    alarm(seconds)
  }

  static func end() {
    alarm(0)
    count = 0
  }

  static func install() {
    for signal in [SIGILL, SIGTRAP, SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGALRM] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { number in
        if FuzzGuard.count > 0 { write(2, FuzzGuard.line, FuzzGuard.count) }
        Glibc.signal(number, SIG_DFL)
        raise(number)
      }
      sigaction(signal, &action, nil)
    }
  }

  /// Fails allocations beyond so many bytes; for a process that does nothing but fuzz.
  static func limitMemory(toMegabytes megabytes: Int) {
    var limit = rlimit(rlim_cur: rlim_t(megabytes) << 20, rlim_max: rlim_t(megabytes) << 20)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
  }

  /// The most memory that this process has had, in bytes.
  static var peakMemory: Int {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return usage.ru_maxrss << 10
  }
}
