package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"strconv"
)

// dumper writes one line a node: kind, start, end, and what else tells nodes apart.
type dumper struct {
	base int
	out  bytes.Buffer
}

func (d *dumper) pos(p token.Pos) int { return int(p) - d.base }

func (d *dumper) line(kind string, n ast.Node, more ...any) {
	d.raw(kind, d.pos(n.Pos()), d.pos(n.End()), more...)
}

func (d *dumper) raw(kind string, start, end int, more ...any) {
	d.out.WriteString(kind)
	d.out.WriteByte(' ')
	d.out.WriteString(strconv.Itoa(start))
	d.out.WriteByte(' ')
	d.out.WriteString(strconv.Itoa(end))
	for _, m := range more {
		d.out.WriteByte(' ')
		fmt.Fprint(&d.out, m)
	}
	d.out.WriteByte('\n')
}

func (d *dumper) file(f *ast.File) {
	d.raw("File", d.pos(f.Package), d.pos(f.Name.End()), f.Name.Name)
	for _, decl := range f.Decls {
		d.decl(decl)
	}
	for _, group := range f.Comments {
		for _, c := range group.List {
			d.raw("Comment", d.pos(c.Slash), 0)
		}
	}
}

func (d *dumper) decl(n ast.Decl) {
	switch n := n.(type) {
	case *ast.GenDecl:
		d.line("GenDecl", n, n.Tok)
		for i, s := range n.Specs {
			d.spec(s, n.Tok, i)
		}
	case *ast.FuncDecl:
		d.line("FuncDecl", n, n.Name.Name, d.pos(n.Name.NamePos))
		d.fields(n.Recv)
		d.funcType(n.Type)
		if n.Body != nil {
			d.stmt(n.Body)
		}
	default:
		d.line("Bad", n)
	}
}

func (d *dumper) spec(n ast.Spec, tok token.Token, iota int) {
	switch n := n.(type) {
	case *ast.ImportSpec:
		name := "-"
		if n.Name != nil {
			name = n.Name.Name
		}
		d.line("ImportSpec", n, name)
		d.expr(n.Path)
	case *ast.ValueSpec:
		d.line("ValueSpec", n, append([]any{iota}, d.names(n.Names)...)...)
		d.expr(n.Type)
		d.exprs(n.Values)
	case *ast.TypeSpec:
		alias := "defined"
		if n.Assign.IsValid() {
			alias = "alias"
		}
		d.line("TypeSpec", n, n.Name.Name, alias)
		d.fields(n.TypeParams)
		d.expr(n.Type)
	}
}

func (d *dumper) names(names []*ast.Ident) (out []any) {
	for _, n := range names {
		out = append(out, n.Name, d.pos(n.NamePos))
	}
	return out
}

func (d *dumper) fields(list *ast.FieldList) {
	if list == nil {
		return
	}
	for _, f := range list.List {
		d.line("Field", f, d.names(f.Names)...)
		d.expr(f.Type)
		if f.Tag != nil {
			d.expr(f.Tag)
		}
	}
}

func (d *dumper) funcType(n *ast.FuncType) {
	d.line("Signature", n)
	d.fields(n.TypeParams)
	d.fields(n.Params)
	d.fields(n.Results)
}

func (d *dumper) exprs(list []ast.Expr) {
	for _, x := range list {
		d.expr(x)
	}
}

func (d *dumper) expr(n ast.Expr) {
	switch n := n.(type) {
	case nil:
	case *ast.Ident:
		d.line("Ident", n, n.Name)
	case *ast.BasicLit:
		d.line("BasicLit", n, n.Kind)
	case *ast.CompositeLit:
		d.line("CompositeLit", n)
		d.expr(n.Type)
		d.exprs(n.Elts)
	case *ast.FuncLit:
		d.line("FuncLit", n)
		d.expr(n.Type)
		d.stmt(n.Body)
	case *ast.ParenExpr:
		d.line("ParenExpr", n)
		d.expr(n.X)
	case *ast.SelectorExpr:
		d.line("SelectorExpr", n, n.Sel.Name, d.pos(n.Sel.NamePos))
		d.expr(n.X)
	case *ast.IndexExpr:
		d.line("IndexExpr", n)
		d.expr(n.X)
		d.expr(n.Index)
	case *ast.IndexListExpr:
		d.line("IndexExpr", n)
		d.expr(n.X)
		d.exprs(n.Indices)
	case *ast.SliceExpr:
		d.line("SliceExpr", n, n.Slice3)
		d.expr(n.X)
		d.expr(n.Low)
		d.expr(n.High)
		d.expr(n.Max)
	case *ast.TypeAssertExpr:
		d.line("TypeAssertExpr", n)
		d.expr(n.X)
		d.expr(n.Type)
	case *ast.CallExpr:
		d.line("CallExpr", n, n.Ellipsis.IsValid())
		d.expr(n.Fun)
		d.exprs(n.Args)
	case *ast.StarExpr:
		d.line("StarExpr", n)
		d.expr(n.X)
	case *ast.UnaryExpr:
		d.line("UnaryExpr", n, n.Op)
		d.expr(n.X)
	case *ast.BinaryExpr:
		d.line("BinaryExpr", n, n.Op, d.pos(n.OpPos))
		d.expr(n.X)
		d.expr(n.Y)
	case *ast.KeyValueExpr:
		d.line("KeyValueExpr", n)
		d.expr(n.Key)
		d.expr(n.Value)
	case *ast.ArrayType:
		d.line("ArrayType", n)
		d.expr(n.Len)
		d.expr(n.Elt)
	case *ast.Ellipsis:
		d.line("Ellipsis", n)
		d.expr(n.Elt)
	case *ast.StructType:
		d.line("StructType", n)
		d.fields(n.Fields)
	case *ast.FuncType:
		d.line("FuncType", n)
		d.funcType(n)
	case *ast.InterfaceType:
		d.line("InterfaceType", n)
		d.fields(n.Methods)
	case *ast.MapType:
		d.line("MapType", n)
		d.expr(n.Key)
		d.expr(n.Value)
	case *ast.ChanType:
		dir := map[ast.ChanDir]string{ast.SEND: "send", ast.RECV: "recv", ast.SEND | ast.RECV: "both"}
		d.line("ChanType", n, dir[n.Dir])
		d.expr(n.Value)
	default:
		d.line("Bad", n)
	}
}

func (d *dumper) stmts(list []ast.Stmt) {
	for _, s := range list {
		d.stmt(s)
	}
}

func (d *dumper) stmt(n ast.Stmt) {
	switch n := n.(type) {
	case nil:
	case *ast.EmptyStmt:
		d.line("EmptyStmt", n)
	case *ast.ExprStmt:
		d.line("ExprStmt", n)
		d.expr(n.X)
	case *ast.SendStmt:
		d.line("SendStmt", n)
		d.expr(n.Chan)
		d.expr(n.Value)
	case *ast.IncDecStmt:
		d.line("IncDecStmt", n, n.Tok)
		d.expr(n.X)
	case *ast.AssignStmt:
		d.line("AssignStmt", n, n.Tok)
		d.exprs(n.Lhs)
		d.exprs(n.Rhs)
	case *ast.GoStmt:
		d.line("GoStmt", n)
		d.expr(n.Call)
	case *ast.DeferStmt:
		d.line("DeferStmt", n)
		d.expr(n.Call)
	case *ast.ReturnStmt:
		d.line("ReturnStmt", n)
		d.exprs(n.Results)
	case *ast.BranchStmt:
		label := "-"
		if n.Label != nil {
			label = n.Label.Name
		}
		d.line("BranchStmt", n, n.Tok, label)
	case *ast.BlockStmt:
		d.line("BlockStmt", n)
		d.stmts(n.List)
	case *ast.IfStmt:
		d.line("IfStmt", n)
		d.stmt(n.Init)
		d.expr(n.Cond)
		d.stmt(n.Body)
		d.stmt(n.Else)
	case *ast.CaseClause:
		d.line("CaseClause", n, n.List == nil)
		d.exprs(n.List)
		d.stmts(n.Body)
	case *ast.SwitchStmt:
		d.line("SwitchStmt", n)
		d.stmt(n.Init)
		d.expr(n.Tag)
		d.stmt(n.Body)
	case *ast.TypeSwitchStmt:
		d.line("TypeSwitchStmt", n)
		d.stmt(n.Init)
		d.stmt(n.Assign)
		d.stmt(n.Body)
	case *ast.CommClause:
		d.line("CommClause", n)
		d.stmt(n.Comm)
		d.stmts(n.Body)
	case *ast.SelectStmt:
		d.line("SelectStmt", n)
		d.stmt(n.Body)
	case *ast.ForStmt:
		d.line("ForStmt", n)
		d.stmt(n.Init)
		d.expr(n.Cond)
		d.stmt(n.Post)
		d.stmt(n.Body)
	case *ast.RangeStmt:
		d.line("RangeStmt", n, n.Tok == token.DEFINE)
		d.expr(n.Key)
		d.expr(n.Value)
		d.expr(n.X)
		d.stmt(n.Body)
	case *ast.LabeledStmt:
		d.line("LabeledStmt", n, n.Label.Name)
		d.stmt(n.Stmt)
	case *ast.DeclStmt:
		d.line("DeclStmt", n)
		d.decl(n.Decl)
	default:
		d.line("Bad", n)
	}
}
