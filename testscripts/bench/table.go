package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
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
		m := median(s, wall)
		ratio := float64(m) / float64(floor)
		fmt.Fprintf(t, "  %s\t%s\t%s\t%.2f\t%s\t%s\t%s\t%s\n", c.Label, seconds(m), spread(s), ratio,
			verdict(c, ratio, m), seconds(median(s, cpu)), memory(c, median(s, mb)), s[len(s)-1].Note)
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

// verdict says whether a case is under its bars.
func verdict(c Case, ratio float64, took time.Duration) string {
	var bars []string
	ok := true
	if c.Bar > 0 {
		bars, ok = append(bars, fmt.Sprintf("%.2f", c.Bar)), ok && ratio <= c.Bar
	}
	if c.Within > 0 {
		bars, ok = append(bars, c.Within.String()), ok && took <= c.Within
	}
	return judged(bars, ok)
}

// memory is what a case took of it, and whether that is under its bar. Of
// what ran inside the measurement itself nothing is known.
func memory(c Case, took int) string {
	if took == 0 {
		return ""
	}
	text := fmt.Sprintf("%d MB", took)
	if c.MaxMB > 0 {
		text += " " + judged([]string{fmt.Sprint(c.MaxMB)}, took <= c.MaxMB)
	}
	return text
}

func judged(bars []string, ok bool) string {
	switch {
	case len(bars) == 0:
		return ""
	case ok:
		return "≤ " + strings.Join(bars, ", ") + " ok"
	}
	return "≤ " + strings.Join(bars, ", ") + " MISSED"
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
