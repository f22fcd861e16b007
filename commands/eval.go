package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/runner/config/expr"
)

func evalCommand() *cli.Command {
	return &cli.Command{
		Name:      "eval",
		Usage:     "evaluate one expression",
		ArgsUsage: "EXPR",
		Description: `Prints what an expression of the config language is, as one line of JSON:
{"result":…}, null being undefined and a pattern "corpus/regexp:…", or
{"error":…} with the type of the error and its place. Variables come from a
JSON object, whose keys are dotted names or nested objects.

   popsicle config eval '1 < 2 and "yes"'
   popsicle config eval --env values.json 'pipeline.git.branch == "main"'
   popsicle config eval --env - 'not draft' <<< '{"draft": null}'

Exit codes: 0 for a result, 1 for an error in the expression, 2 wrong usage.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "env", Usage: "take variables from `FILE`, - being standard input"},
			&cli.BoolFlag{Name: "truth", Usage: "print only whether the value counts as true"},
		},
		SkipFlagParsing: true, // an expression may begin with a dash
		OnUsageError:    usageError,
		Action:          evalAction,
	}
}

// An evaluation is what `config eval` was asked.
type evaluation struct {
	text  string
	env   string
	truth bool
	help  bool
}

// parseEval reads the arguments: flags stand before the expression, and what
// is no flag is the expression.
func parseEval(args []string) (evaluation, error) {
	var e evaluation
	for len(args) > 0 {
		name, value, joined := strings.Cut(strings.TrimPrefix(args[0], "-"), "=")
		switch {
		case args[0] == "--":
			args = args[1:]
			return e, e.take(args)
		case args[0] == "--help" || args[0] == "-h":
			e.help = true
			return e, nil
		case args[0] == "--truth":
			e.truth = true
		case joined && name == "-env":
			e.env = value
		case name == "-env" && len(args) > 1:
			e.env, args = args[1], args[1:]
		case name == "-env":
			return e, usage("--env needs the name of a file")
		default:
			return e, e.take(args)
		}
		args = args[1:]
	}
	return e, e.take(args)
}

func (e *evaluation) take(args []string) error {
	if len(args) != 1 {
		return usage("config eval takes flags and then one expression, in quotes, not %d", len(args))
	}
	e.text = args[0]
	return nil
}

func evalAction(_ context.Context, c *cli.Command) error {
	e, err := parseEval(c.Args().Slice())
	if err != nil {
		return err
	}
	if e.help {
		cli.HelpPrinter(stdout(c), "", c)
		return nil
	}
	values, err := readValues(e.env, c.Root().Reader)
	if err != nil {
		return err
	}
	result, err := evaluate(e.text, values)
	var wrong *expr.Error
	switch {
	case errors.As(err, &wrong):
		fmt.Fprintln(os.Stderr, "popsicle: "+wrong.Error())
		if err := writeValue(stdout(c), map[string]any{"error": wrong}); err != nil {
			return err
		}
		return toldError(exitFailed)
	case err != nil:
		return err
	case e.truth:
		result = expr.Truth(result)
	}
	if p, is := result.(*expr.Pattern); is {
		result = "corpus/regexp:" + p.Text // as the public cases of the language write it
	}
	return writeValue(stdout(c), map[string]any{"result": result})
}

func evaluate(text string, values map[string]any) (any, error) {
	e, err := expr.Parse(text)
	if err != nil {
		return nil, err
	}
	return e.Eval(func(name string) (any, bool) {
		v, have := values[name]
		return v, have
	})
}

func writeValue(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out.Encode(v)
}

// readValues reads the variables of an expression; without a file there are none.
func readValues(name string, stdin io.Reader) (map[string]any, error) {
	if name == "" {
		return nil, nil
	}
	text, err := []byte(nil), error(nil)
	if name == "-" {
		text, err = io.ReadAll(stdin)
	} else {
		text, err = readNamed(name)
	}
	if err != nil {
		return nil, usage("--env: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, usage("--env %s: %w: it must be a JSON object", name, err)
	}
	values := map[string]any{}
	if err := flatten(values, "", object); err != nil {
		return nil, usage("--env %s: %w", name, err)
	}
	return values, nil
}

// flatten gives nested values their dotted names.
func flatten(values map[string]any, prefix string, object map[string]any) error {
	for key, v := range object {
		name := prefix + key
		switch v := v.(type) {
		case map[string]any:
			if err := flatten(values, name+".", v); err != nil {
				return err
			}
			continue
		case json.Number:
			n, err := v.Int64()
			if err != nil {
				return fmt.Errorf("%s is %s: expressions know whole numbers of 64 bits", name, v)
			}
			values[name] = n
		case nil, bool, string:
			values[name] = v
		default:
			return fmt.Errorf("%s is a list: expressions know strings, whole numbers, booleans and null", name)
		}
	}
	return nil
}
