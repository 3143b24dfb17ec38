internal import CStopSignal
internal import Glibc

/// A request to stop early, by signal: SIGUSR1 (queues send it before a time limit), SIGTERM, SIGINT.
///
/// What is in hand is brought to where it can be continued from; then the program ends with status 75.
/// The signals are taken over before `main`. A second SIGINT or SIGTERM ends the process at once.
package enum StopSignal {
  /// Gives the signals back to the system, for work that cannot be continued: they end the process,
  /// also one that has come before.
  package static func uninstall() { decaf_stop_signal_uninstall() }

  /// The signal that asked for the stop, by name; nil when none did.
  package static var name: String? {
    switch decaf_stop_signal() {
    case 0: nil
    case SIGUSR1: "SIGUSR1"
    case SIGTERM: "SIGTERM"
    case SIGINT: "SIGINT"
    case let other: "signal \(other)"
    }
  }
}
