package tree

import "strings"

// kindOf types a plain scalar by YAML 1.1, as CircleCI reads it: yes, no, on
// and off are booleans; dates and sexagesimal numbers stay strings.
func kindOf(s string) Kind {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return Null
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON",
		"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF":
		return Bool
	case ".inf", ".Inf", ".INF", "+.inf", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN":
		return Float
	}
	return numberKind(strings.TrimLeft(s[:1], "+-") + s[1:])
}

// numberKind tells whole numbers and decimal numbers, without a sign, from strings.
func numberKind(s string) Kind {
	switch {
	case s == "" || !isDigit(s[0]) && s[0] != '.':
		return String
	case only(s, "0123456789_"):
		return Int
	case strings.HasPrefix(s, "0x") && len(s) > 2 && only(s[2:], "0123456789abcdefABCDEF_"),
		strings.HasPrefix(s, "0b") && len(s) > 2 && only(s[2:], "01_"),
		strings.HasPrefix(s, "0o") && len(s) > 2 && only(s[2:], "01234567_"):
		return Int
	case isFloat(s):
		return Float
	}
	return String
}

// isFloat tells whether s is digits with one point, or an exponent, or both.
func isFloat(s string) bool {
	mantissa, exponent, hasExponent := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent, hasExponent = s[:i], strings.TrimLeft(s[i+1:], "+-"), true
	}
	if hasExponent && (exponent == "" || !only(exponent, "0123456789")) {
		return false
	}
	whole, fraction, hasPoint := strings.Cut(mantissa, ".")
	return (hasPoint || hasExponent) && whole+fraction != "" && only(whole, "0123456789_") && only(fraction, "0123456789_")
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// only tells whether s is made of nothing but the letters of set.
func only(s, set string) bool { return strings.Trim(s, set) == "" }
