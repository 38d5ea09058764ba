package signalbox_test

import (
	"testing"

	"signalbox"
)

// proves S3-25
func TestTypeName_IsLowerCasedAndUnderscored(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]string{
		"Custom event": "custom_event", "  Custom  --  Event!  ": "custom_event", "custom_event": "custom_event", "Öffnung (2. Mal)": "öffnung_2_mal",
		"MQL": "mql", "a": "a", "7": "7", "__a__": "a", "a\tb\nc": "a_b_c", "नमस्ते दुनिया": "नमस्ते_दुनिया", "e\u0301te\u0301": "e\u0301te\u0301",
		"": "", " ": "", "!?": "", "🚀\ufe0f": "", "🚀\ufe0f launch": "launch",
	} {
		if got := signalbox.TypeName(label); got != want {
			t.Errorf("TypeName(%q) = %q, want %q", label, got, want)
		}
		if again := signalbox.TypeName(want); again != want {
			t.Errorf("the name %q is declared as %q", want, again)
		}
	}
}
