//! The templates are Go 1.21. These edits say the same in the words of later versions; each is found
//! exactly once in its template, which a test keeps true.

use go_project::LanguageVersion;

/// What a later version of Go says better.
struct Edit {
    since: LanguageVersion,
    file: &'static str,
    old: &'static str,
    new: &'static str,
}

const EDITS: &[Edit] = &[
    Edit {
        since: (1, 22),
        file: "retry.go",
        old: "\t\"math/rand\"\n",
        new: "\t\"math/rand/v2\"\n",
    },
    Edit {
        since: (1, 22),
        file: "retry.go",
        old: "time.Duration(rand.Int63n(int64(limit)))",
        new: "rand.N(limit)",
    },
    Edit {
        since: (1, 22),
        file: "retry_test.go",
        old: "for i := 0; i < 1000; i++ {",
        new: "for range 1000 {",
    },
    Edit {
        since: (1, 22),
        file: "retry_test.go",
        old: "for i := 0; i < 103; i++ {",
        new: "for range 103 {",
    },
    Edit {
        since: (1, 22),
        file: "http_test.go",
        old: "for i := 0; i < requests; i++ {",
        new: "for range requests {",
    },
    // net/http.Request.Pattern.
    Edit {
        since: (1, 23),
        file: "http.go",
        old: "// RouteOf names the route of a request for logs, metrics and profiles; see MuxRoute. It may be nil.\n",
        new: "// RouteOf names the route of a request for logs, metrics and profiles; see MuxRoute. If it is nil or\n\
              // has no name, logs and metrics take the pattern that a ServeMux below matched.\n",
    },
    Edit {
        since: (1, 23),
        file: "http.go",
        old: "\t\t\tp := r.report(",
        new: "\t\t\tif route == \"\" {\n\t\t\t\troute = req.Pattern\n\t\t\t}\n\t\t\tp := r.report(",
    },
    Edit {
        since: (1, 23),
        file: "http.go",
        old: "\t\t\tnext.ServeHTTP(response, req.WithContext(ctx))\n",
        new: "\t\t\treq = req.WithContext(ctx)\n\t\t\tnext.ServeHTTP(response, req)\n",
    },
    Edit {
        since: (1, 23),
        file: "http_test.go",
        old: "func TestHTTPManyPanicsAtOnce(",
        new: PATTERN_TEST,
    },
    Edit {
        since: (1, 25),
        file: "http_test.go",
        old: "\t\twg.Add(1)\n\t\tgo func() {\n\t\t\tdefer wg.Done()\n",
        new: "\t\twg.Go(func() {\n",
    },
    Edit {
        since: (1, 25),
        file: "http_test.go",
        old: "\t\t}()\n\t}\n\twg.Wait()",
        new: "\t\t})\n\t}\n\twg.Wait()",
    },
    Edit {
        since: (1, 26),
        file: "errors.go",
        old: "\tvar business *BusinessError\n\terrors.As(err, &business)\n\treturn business\n",
        new: "\tbusiness, _ := errors.AsType[*BusinessError](err)\n\treturn business\n",
    },
    Edit {
        since: (1, 26),
        file: "recovery_test.go",
        old: "\tvar p *PanicError\n\tif !errors.As(err, &p) {\n",
        new: "\tp, ok := errors.AsType[*PanicError](err)\n\tif !ok {\n",
    },
];

const PATTERN_TEST: &str = "func TestHTTPPatternIsTheRoute(t *testing.T) {
	r, out := newTestRecoverer()
	mux := http.NewServeMux()
	mux.HandleFunc(\"GET /orders/{id}\", func(http.ResponseWriter, *http.Request) { panic(\"boom\") })
	response := httptest.NewRecorder()
	r.HTTP(mux, nil).ServeHTTP(response, httptest.NewRequest(http.MethodGet, \"/orders/7\", nil))
	if got := out.only(t)[\"route\"]; response.Code != 500 || got != \"GET /orders/{id}\" {
		t.Errorf(\"got %d, route = %v\", response.Code, got)
	}
}

func TestHTTPManyPanicsAtOnce(";

/// The template's text as a module of this language version would have it.
pub fn modernise(file: &str, template: &str, version: LanguageVersion) -> String {
    let mut text = template.to_owned();
    for edit in EDITS.iter().filter(|e| e.file == file && e.since <= version) {
        text = text.replacen(edit.old, edit.new, 1);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::EDITS;
    use crate::recovery::FILES;

    #[test]
    fn each_edit_has_one_place() {
        for edit in EDITS {
            let file = FILES.iter().find(|f| f.name == edit.file).unwrap();
            let found = file.template.matches(edit.old).count();
            assert_eq!(found, 1, "{}: {:?}", edit.file, edit.old);
        }
    }
}
