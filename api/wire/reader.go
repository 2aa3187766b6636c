package wire

import (
	"context"

	"golang.org/x/text/language"

	"stopline.internal/api/access"
	"stopline.internal/stream/event/words"
)

var spoken = language.NewMatcher([]language.Tag{language.English, language.Chinese})

// LanguageOf is the one that a request asks for: English unless it prefers Chinese.
func LanguageOf(acceptLanguage string) words.Language {
	tag, _ := language.MatchStrings(spoken, acceptLanguage)
	if base, _ := tag.Base(); base.String() == "zh" {
		return words.Chinese
	}
	return words.English
}

// Mask hides all but the first character of a name from those who need not
// know it.
func Mask(ctx context.Context, name string) string {
	if access.Who(ctx).Role != access.Police || name == "" {
		return name
	}
	for i := range name {
		if i > 0 {
			return name[:i] + "*"
		}
	}
	return "*"
}
