/// A finding about a file, put into an error of the module by who knows the file.
package struct ProblemError: Error, Equatable, Sendable {
  package let text: String
  package init(_ text: String) { self.text = text }
}
