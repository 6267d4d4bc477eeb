package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestTheComposeFileIsWhole reads the compose file as an engine would: every setting is
// one of the program's, every secret has to be given, every service says when it is well
// and keeps its data in a named volume.
func TestTheComposeFileIsWhole(t *testing.T) {
	raw, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Image       string            `yaml:"image"`
			Environment map[string]string `yaml:"environment"`
			Volumes     []string          `yaml:"volumes"`
			Networks    []string          `yaml:"networks"`
			Ports       []string          `yaml:"ports"`
			Depends     map[string]struct {
				Condition string `yaml:"condition"`
			} `yaml:"depends_on"`
			Health *struct {
				Test []string `yaml:"test"`
			} `yaml:"healthcheck"`
		} `yaml:"services"`
		Networks map[string]any `yaml:"networks"`
		Volumes  map[string]any `yaml:"volumes"`
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	known := settings()
	app := file.Services["congvu"]
	var environ []string
	for name, value := range app.Environment {
		if !slices.Contains(known, name) {
			t.Errorf("%s is no setting", name)
		}
		// What stands there with each variable filled in must be settings that the program takes.
		value = regexp.MustCompile(`\$\{(\w+)[^}]*\}`).ReplaceAllStringFunc(value, func(v string) string {
			switch {
			case strings.Contains(v, "CONGVU_URL"):
				return "https://congvu.example.vn"
			case strings.Contains(v, "MASTER_KEY"):
				return "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
			}
			return "x"
		})
		environ = append(environ, name+"="+value)
	}
	if c, err := ReadConfig(append(environ, "CONGVU_ADDR=0.0.0.0:8080")); err != nil || c.Proxies == "" || c.DatabaseURL == "" || c.S3Endpoint == "" {
		t.Errorf("%+v %v", c, err)
	}
	for name, s := range file.Services {
		for key, value := range s.Environment {
			if regexp.MustCompile(`PASSWORD|SECRET|_KEY|ROOT_USER`).MatchString(key) && !regexp.MustCompile(`\$\{\w+:\?[^}]+\}`).MatchString(value) {
				t.Errorf("%s: %s has a default: %q", name, key, value)
			}
		}
		if s.Health == nil || len(s.Health.Test) < 2 {
			t.Errorf("%s does not say when it is well", name)
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			if _, ok := file.Volumes[volume]; !ok {
				t.Errorf("%s keeps data in %q, no named volume", name, v)
			}
		}
		if len(s.Volumes) == 0 {
			t.Errorf("%s keeps its data nowhere", name)
		}
		for _, n := range s.Networks {
			if _, ok := file.Networks[n]; !ok {
				t.Errorf("%s is in network %q, which is not there", name, n)
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s is reached from outside in the clear: %s", name, p)
			}
		}
		for other, d := range s.Depends {
			if _, ok := file.Services[other]; !ok || d.Condition != "service_healthy" {
				t.Errorf("%s depends on %s, %s", name, other, d.Condition)
			}
		}
	}
	image, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`CONGVU_[A-Z0-9_]+`).FindAllString(string(image), -1) {
		if !slices.Contains(known, m) {
			t.Errorf("the Dockerfile speaks of %s", m)
		}
	}
	for _, part := range []string{"CGO_ENABLED=0", "FROM scratch", "USER 65532", "HEALTHCHECK"} {
		if !strings.Contains(string(image), part) {
			t.Errorf("the Dockerfile has no %s", part)
		}
	}
}

func settings() (out []string) {
	fields := reflect.TypeFor[Config]()
	for i := range fields.NumField() {
		out = append(out, fields.Field(i).Tag.Get("env"))
	}
	return out
}

// TestTheUnitsOfSystemdHold has systemd itself read the units, where it is installed, and
// compares their settings and commands with the program's.
func TestTheUnitsOfSystemdHold(t *testing.T) {
	units, err := filepath.Glob("../../docs/systemd/congvu*")
	if err != nil || len(units) != 3 {
		t.Fatal(units, err)
	}
	folder := t.TempDir()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range units {
		raw, err := os.ReadFile(u)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`CONGVU_[A-Z0-9_]+`).FindAllString(string(raw), -1) {
			if !slices.Contains(settings(), m) {
				t.Errorf("%s speaks of %s", u, m)
			}
		}
		here := strings.ReplaceAll(string(raw), "/usr/local/bin/congvu", path)
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(u)), []byte(here), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range [][]string{{"serve", "--help"}, {"backup", "--help"}} {
		if out, err := exec.Command(path, command...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", command, err, out)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not on this machine: the units were read by this test alone")
		return
	}
	for _, u := range units {
		out, err := exec.Command(analyze, "verify", "--man=no", filepath.Join(folder, filepath.Base(u))).CombinedOutput()
		for _, line := range strings.Split(string(out), "\n") {
			if strings.Contains(line, filepath.Base(u)) {
				t.Errorf("%s (%v)", line, err)
			}
		}
	}
}
