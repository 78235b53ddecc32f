*! version 0.1.0  calls the program rebound on the data in memory
*! Nobody has run this file in Stata yet: it follows the manual of Stata 14. Please report what fails.

program define rebound
    version 14
    gettoken command rest : 0, parse(" ,")
    if inlist(`"`command'"', "measure", "resilience") {
        rebound_table `command' `rest'
    }
    else if `"`command'"' == "sql" {
        rebound_sql `rest'
    }
    else {
        display as error `"rebound `command': expected rebound measure, rebound resilience or rebound sql"'
        exit 198
    }
end

* Measures or resilience of the data in memory.
program define rebound_table
    version 14
    gettoken command 0 : 0
    syntax [if] [in] [, REGion(varname) PRODuct(varname) VALue(varname numeric) YEAR(varname) ///
        METrics(string) LIKE(string) BASE(string) TROUGH(string) END(string) BENCHmark(string) ///
        ROWs(string) Options(string asis) SAVing(string asis) CLEAR PROGram(string)]
    local target `clear'
    if `"`saving'"' != "" {
        local target `"`target' saving(`saving')"'
    }
    rebound_target, `target'
    marksample touse, novarlist
    tempfile in
    preserve
    quietly keep if `touse'
    quietly drop `touse'
    quietly save `"`in'"'
    restore

    local arguments `"`command' "`in'" --form dta"'
    * Codes with labels are read by their labels.
    local types
    foreach role in region product year value {
        if "``role''" != "" {
            local arguments `"`arguments' --`role' ``role''"'
        }
        if inlist("`role'", "region", "product") & "``role''" != "" {
            local label : value label ``role''
            if "`label'" != "" {
                local types `types' ``role''=label
            }
        }
    }
    if "`types'" != "" {
        local types : subinstr local types " " ",", all
        local arguments `"`arguments' --types `types'"'
    }
    foreach option in metrics like base trough end benchmark rows {
        if `"``option''"' != "" {
            local text `"``option''"'
            * A period may have a space of its own; lists are joined by commas.
            if inlist("`option'", "metrics", "benchmark") {
                local text : list retokenize text
                local text : subinstr local text " " ",", all
            }
            if inlist("`option'", "metrics", "like") {
                local text : subinstr local text "_" "-", all
            }
            local arguments `"`arguments' --`option' "`text'""'
        }
    }
    local arguments `"`arguments' `options'"'
    if `"`program'"' != "" {
        local target `"`target' program(`program')"'
    }
    rebound_run, arguments(`"`arguments'"') `target'
end

* A query over what a pipeline has published.
program define rebound_sql
    version 14
    gettoken query 0 : 0, parse(" ,")
    syntax [, LAKE(string) RUN(string) Options(string asis) SAVing(string asis) CLEAR PROGram(string)]
    if `"`query'"' == "" {
        display as error `"rebound sql: a query in quotes is expected"'
        exit 198
    }
    local target `clear'
    if `"`saving'"' != "" {
        local target `"`target' saving(`saving')"'
    }
    rebound_target, `target'
    * In a file, so that no shell reads its quotes.
    tempfile asked
    tempname handle
    file open `handle' using `"`asked'"', write text
    file write `handle' `"`query'"' _n
    file close `handle'
    local arguments `"sql --file "`asked'""'
    if `"`lake'"' != "" {
        local arguments `"`arguments' --lake "`lake'""'
    }
    if `"`run'"' != "" {
        local arguments `"`arguments' --run "`run'""'
    }
    local arguments `"`arguments' `options'"'
    if `"`program'"' != "" {
        local target `"`target' program(`program')"'
    }
    rebound_run, arguments(`"`arguments'"') `target'
end

* Rows go to a file or replace the data: one of both is said before anything is computed.
program define rebound_target
    version 14
    syntax [, SAVing(string asis) CLEAR]
    if `"`saving'"' == "" & "`clear'" == "" {
        display as error "the rows replace the data in memory: say clear, or saving(filename)"
        exit 4
    }
    if `"`saving'"' != "" {
        rebound_file `saving'
        if "`s(replace)'" == "" {
            confirm new file `"`s(file)'"'
        }
    }
end

* The parts of saving(filename [, replace]).
program define rebound_file, sclass
    version 14
    gettoken file 0 : 0, parse(",")
    syntax [, REPLACE]
    local file = trim(`"`file'"')
    if !regexm(lower(`"`file'"'), "\.dta$") {
        local file `"`file'.dta"'
    }
    sreturn local file `"`file'"'
    sreturn local replace "`replace'"
end

* Runs the program; its rows are saved or become the data in memory.
program define rebound_run, rclass
    version 14
    syntax , ARGuments(string asis) [SAVing(string asis) CLEAR PROGram(string)]
    local arguments `arguments'
    if `"`program'"' == "" {
        local program : environment REBOUND
    }
    if `"`program'"' == "" {
        local program rebound
    }
    * The shell of Windows takes the quotes away that a line begins with.
    if strpos(`"`program'"', " ") {
        local program `""`program'""'
    }
    tempfile out said done
    * What follows && is done only where the program succeeded, in the shells of Unix and Windows.
    shell `program' `arguments' --format dta --output "`out'" 2> "`said'" && echo done > "`done'"
    capture confirm file `"`said'"'
    if _rc == 0 {
        type `"`said'"'
    }
    capture confirm file `"`done'"'
    if _rc != 0 {
        display as error `"rebound failed, as said above; if nothing is: is the program `program' there?"'
        display as error `"(program(), the environment variable REBOUND or the PATH say where)"'
        exit 198
    }
    if `"`saving'"' != "" {
        rebound_file `saving'
        copy `"`out'"' `"`s(file)'"', `s(replace)'
        display as text `"saved as `s(file)'"'
    }
    if "`clear'" != "" {
        use `"`out'"', clear
        return scalar N = _N
    }
end
