package finding

import (
	"encoding/json"
	"io"
	"net/url"
	"slices"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

type object = map[string]any

// SARIF writes all findings as one SARIF 2.1.0 log, which code scanning
// services read. The version is popsicle's.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
func SARIF(w io.Writer, version string, list []Finding) error {
	results, rules := []object{}, []string{}
	for _, f := range list {
		if !slices.Contains(rules, f.rule()) {
			rules = append(rules, f.rule())
		}
		result := object{
			"ruleId": f.rule(), "ruleIndex": slices.Index(rules, f.rule()), "level": f.Severity,
			"message": object{"text": f.text()}, "locations": []object{location(f.Pos)},
		}
		if f.Related.Line > 0 {
			result["relatedLocations"] = []object{location(f.Related)}
		}
		results = append(results, result)
	}
	descriptors := []object{}
	for _, id := range rules {
		descriptors = append(descriptors, object{"id": id})
	}
	driver := object{"name": "popsicle", "version": version, "informationUri": "https://github.com/popsicle-ci/popsicle", "rules": descriptors}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []object{{"tool": object{"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}},
	})
}

func location(p plan.Pos) object {
	physical := object{"artifactLocation": object{"uri": (&url.URL{Path: p.File}).String()}}
	if p.Line > 0 {
		physical["region"] = object{"startLine": p.Line, "startColumn": max(p.Column, 1)}
	}
	return object{"physicalLocation": physical}
}
