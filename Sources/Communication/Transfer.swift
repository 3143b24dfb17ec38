/// Whether long messages are on their way to or from a rank, for those that wait meanwhile.
package enum Transfer: Sendable {
  /// None, or only some that another rank has not agreed to take yet.
  case none
  /// Some, of which nothing has come or gone since the last look.
  case waiting
  /// Some, and parts of them have come or gone.
  case moving
}
