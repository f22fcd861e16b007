package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// printTable prints what a work took: a line for each case, with its bar
// beside it.
func printTable(w io.Writer, work Work, samples [][]Sample) {
	fmt.Fprintf(w, "\n%s  %s\n", work.Name, work.About)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprint(t, "  case\tmedian\tmin..max\t÷ floor\tbar\tCPU\tmemory\t\n")
	floor := floorOf(work, samples)
	for i, c := range work.Cases {
		s := samples[i]
		if len(s) == 0 {
			continue
		}
		m := median(s, wall)
		fmt.Fprintf(t, "  %s\t%s\t%s\t%.2f\t%s\t%s\t%d MB%s\t%s\n", c.Label, seconds(m), spread(s), float64(m)/float64(floor),
			verdict(c.Bar, float64(m)/float64(floor)), seconds(median(s, cpu)), median(s, mb), memoryVerdict(c, s), s[len(s)-1].Note)
	}
	_ = t.Flush() // the terminal is gone: nobody reads this
}

// floorOf is the median of the fastest way by hand.
func floorOf(work Work, samples [][]Sample) time.Duration {
	var floor time.Duration
	for i, c := range work.Cases {
		if m := median(samples[i], wall); c.Floor && (floor == 0 || m < floor) {
			floor = m
		}
	}
	return max(floor, 1)
}

// verdict says whether a ratio is under its bar.
func verdict(bar, ratio float64) string {
	switch {
	case bar == 0:
		return ""
	case ratio <= bar:
		return fmt.Sprintf("≤ %.2f ok", bar)
	}
	return fmt.Sprintf("≤ %.2f MISSED", bar)
}

func memoryVerdict(c Case, s []Sample) string {
	switch {
	case c.MaxMB == 0:
		return ""
	case median(s, mb) <= c.MaxMB:
		return fmt.Sprintf(" (≤ %d ok)", c.MaxMB)
	}
	return fmt.Sprintf(" (≤ %d MISSED)", c.MaxMB)
}

func spread(s []Sample) string {
	byWall := func(a, b Sample) int { return int(a.Wall - b.Wall) }
	return seconds(slices.MinFunc(s, byWall).Wall) + ".." + seconds(slices.MaxFunc(s, byWall).Wall)
}

func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
