internal import Glibc
internal import Synchronization

/// A request to stop early, by signal: SIGUSR1 (queues send it before a time limit), SIGTERM, SIGINT.
///
/// What is in hand is brought to where it can be continued from; then the program ends with status 75.
package enum StopSignal {
  private static let received = Atomic<Int32>(0)

  /// Takes over the three signals: the first thing that a process does. A second SIGINT or SIGTERM
  /// ends the process at once.
  package static func install() {
    _ = received.load(ordering: .relaxed)  // initialized before a handler can run
    var wanted = sigset_t()
    sigemptyset(&wanted)
    defer { pthread_sigmask(SIG_UNBLOCK, &wanted, nil) }  // a parent may have blocked them
    for number in [SIGUSR1, SIGTERM, SIGINT] {
      sigaddset(&wanted, number)
      signal(number) { number in
        StopSignal.received.store(number, ordering: .relaxed)
        if number != SIGUSR1 { signal(number, SIG_DFL) }
      }
    }
  }

  /// Gives the signals back to the system, for work that cannot be continued: they end the process,
  /// also one that came since `install`.
  package static func uninstall() {
    let signals = [SIGUSR1, SIGTERM, SIGINT]
    for number in signals { signal(number, SIG_DFL) }
    let number = received.load(ordering: .relaxed)
    if number != 0 { raise(number) }
  }

  /// The signal that asked for the stop, by name; nil when none did.
  package static var name: String? {
    switch received.load(ordering: .relaxed) {
    case 0: nil
    case SIGUSR1: "SIGUSR1"
    case SIGTERM: "SIGTERM"
    case SIGINT: "SIGINT"
    case let other: "signal \(other)"
    }
  }
}
