import Glibc

/// Marks the threads that work for another one, which waits for them: of a team, of a pipeline.
package enum WorkingThread {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// The calling thread is one, to its end.
  package static func mark() { pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1)) }

  /// Whether the calling thread is one; may be asked in the handler of a signal once anyone has asked
  /// before.
  package static var isCurrent: Bool { pthread_getspecific(key) != nil }
}
