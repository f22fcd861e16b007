package commands

import "runtime"

// jobMemory is what a job is taken to need, in bytes, when jobs are packed
// onto this machine.
const jobMemory = 1 << 30

// waiting is how many more jobs than CPUs run at once: so many may be starting
// or ending, which is the engine's work and mostly waiting.
const waiting = 2

// capacity is how many jobs run at once by default: one a CPU and those that
// wait, and no more than memory holds.
func capacity() int {
	n := runtime.NumCPU() + waiting
	if memory := totalMemory(); memory > 0 {
		n = min(n, int(memory/jobMemory))
	}
	return max(1, n)
}
