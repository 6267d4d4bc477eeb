package visit

import (
	"strings"
	"testing"
)

// TestAPayloadIsNoDeeperThanItNeedsToBe: objects and lists, each within the other.
func TestAPayloadIsNoDeeperThanItNeedsToBe(t *testing.T) {
	for n, taken := range map[int]bool{1: true, maxDepth: true, maxDepth + 1: false, 1_000_000: false} {
		lists := strings.Repeat("[", n-1) + strings.Repeat("]", n-1)
		objects := strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
		if n == 1 {
			lists = "1"
		}
		for _, payload := range []string{`{"a":` + lists + `}`, objects} {
			if err := oneMeaning(payload); (err == nil) != taken {
				t.Errorf("%d deep: %v", n, err)
			}
		}
	}
}
