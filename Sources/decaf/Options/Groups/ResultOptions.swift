internal import ArgumentParser
internal import Files

/// How a command tells its result.
struct ResultOptions: ParsableArguments {
  @Flag(help: "Print the result as JSON.")
  var json = false

  /// Prints the result in the form that was asked for.
  ///
  /// - Throws: `OutputError` where programs would read half of it. What people read is no reason to call a
  ///   finished job a failure.
  func show(
    _ json: @autoclosure () throws -> JSONValue, text: @autoclosure () throws -> String
  ) throws {
    if self.json {
      try StandardOutput.write(Array(try json().prettyText.utf8))
    } else {
      print(try text())
    }
  }
}
