import Glibc

/// The sine of a number of turns.
func sine(_ turns: Double) -> Double { sin(2 * .pi * turns.truncatingRemainder(dividingBy: 1)) }
