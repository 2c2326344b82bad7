package deliver

import "testing"

func TestKeysFrom(t *testing.T) {
	t.Parallel()
	push, webhook := KeysFrom([]byte("one secret, of which everything follows"))
	if again, too := KeysFrom([]byte("one secret, of which everything follows")); again != push || too != webhook {
		t.Error("the same secret gave other keys")
	}
	if other, too := KeysFrom([]byte("another secret, of which everything follows")); other == push || too == webhook || push == webhook {
		t.Error("other secrets gave the same keys")
	}
	if _, err := NewPush(PushOptions{Key: push, Contact: "a@b.example"}); err != nil {
		t.Error(err)
	}
	if _, err := NewWebhook(WebhookOptions{Key: webhook}); err != nil {
		t.Error(err)
	}
}
