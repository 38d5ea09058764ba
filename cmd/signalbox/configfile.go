package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// maxFile is the most that a configuration file may hold.
const maxFile = 1 << 20

// readFile takes the settings that neither flag nor environment set from the file. It is strict: an unknown key, a key given
// twice and a value of the wrong kind are problems, each with its line, and it returns them all.
func (s *settings) readFile() []error {
	text, err := os.ReadFile(s.file)
	switch {
	case err != nil:
		return []error{fmt.Errorf("--config: %w", err)}
	case len(text) > maxFile:
		return []error{fmt.Errorf("--config: %s is larger than %d bytes", s.file, maxFile)}
	}
	pairs, err := mapping(text)
	if err != nil {
		return []error{fmt.Errorf("%s: %w", s.file, err)}
	}
	var problems []error
	seen := map[string]int{}
	for i := 0; i+1 < len(pairs); i += 2 {
		key, value := pairs[i], pairs[i+1]
		if line, twice := seen[key.Value]; twice {
			err = fmt.Errorf("%s is given twice, first in line %d", key.Value, line)
		} else {
			seen[key.Value] = key.Line
			err = s.take(key, value)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", s.file, key.Line, err))
		}
	}
	return problems
}

// mapping returns the keys and values of the one document of a file, none when it is empty.
func mapping(text []byte) ([]*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds more than one document")
	}
	top := doc.Content[0]
	if top.Tag == "!!null" {
		return nil, nil
	}
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: settings are written as name: value", top.Line)
	}
	return top.Content, nil
}

// take sets one setting from the file, unless something stronger has set it.
func (s *settings) take(key, value *yaml.Node) error {
	f := s.flags.Lookup(key.Value)
	switch {
	case s.secrets.Lookup(key.Value) != nil:
		return fmt.Errorf("%s is a secret: set %s in the environment instead", key.Value, envName(key.Value))
	case key.Kind != yaml.ScalarNode || f == nil || f.Name == "config":
		return fmt.Errorf("there is no setting %q", clean(key.Value, 80))
	}
	values, err := scalars(f, value)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	if s.sources[f.Name] != fromDefault {
		return nil
	}
	s.sources[f.Name], s.lines[f.Name] = fromFile, key.Line
	if list, ok := f.Value.(pflag.SliceValue); ok {
		err = list.Replace(values)
	} else {
		err = f.Value.Set(values[0])
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, readable(f, fmt.Sprint(values)))
	}
	return nil
}

// scalars returns the text of a value, or of each value of a list where the setting is one.
func scalars(f *pflag.Flag, value *yaml.Node) ([]string, error) {
	_, list := f.Value.(pflag.SliceValue)
	if !list || value.Kind == yaml.ScalarNode {
		text, err := scalar(f, value)
		return []string{text}, err
	}
	if value.Kind != yaml.SequenceNode {
		return nil, errors.New("it takes a list")
	}
	out := make([]string, len(value.Content))
	for i, item := range value.Content {
		text, err := scalar(f, item)
		if err != nil {
			return nil, err
		}
		out[i] = text
	}
	return out, nil
}

// scalar holds a value against the kind that its setting has: "yes" is no true, and a number in quotes is text.
func scalar(f *pflag.Flag, value *yaml.Node) (string, error) {
	tags := map[string]string{"bool": "!!bool", "int": "!!int", "intSlice": "!!int"}
	switch want := tags[f.Value.Type()]; {
	case value.Kind != yaml.ScalarNode || value.Tag == "!!null":
		return "", errors.New("it takes one value")
	case want != "" && value.Tag != want:
		return "", readable(f, value.Value)
	}
	return value.Value, nil
}
