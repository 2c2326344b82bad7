package postgres

import "testing"

func TestOpOf_IsAClosedSet(t *testing.T) {
	for query, want := range map[string]string{
		"\n\t\tSelect 1": "select", "insert into t values (1)": "insert", "update t set a = 1": "update", "delete from t": "delete",
		"with x as (select 1) select 1": opOther, "batch": opBatch, "": opOther, "drop table t": opOther,
	} {
		if got := opOf(query); got != want {
			t.Errorf("%q is %s, want %s", query, got, want)
		}
	}
}
