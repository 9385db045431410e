/**
 * Every node a raw parse tree of PostgreSQL 13 to 18 may hold, by what the walkers do with it. A type that is not here makes its
 * statement opaque: nodes of later versions, and nodes only the server's analysis produces, must be judged before they are added.
 */
const VALUES = 'A_Const A_Star Integer Float Boolean String BitString List'
const EXPRESSIONS = `ColumnRef ParamRef A_Expr A_Indices A_Indirection A_ArrayExpr TypeCast CollateClause FuncCall NamedArgExpr MultiAssignRef
  BoolExpr SubLink CaseExpr CaseWhen RowExpr CoalesceExpr MinMaxExpr SQLValueFunction XmlExpr XmlSerialize NullTest BooleanTest GroupingFunc
  SetToDefault CurrentOfExpr MergeSupportFunc JsonIsPredicate JsonFuncExpr JsonParseExpr JsonScalarExpr JsonSerializeExpr
  JsonObjectConstructor JsonArrayConstructor JsonArrayQueryConstructor JsonObjectAgg JsonArrayAgg JsonAggConstructor JsonKeyValue
  JsonValueExpr JsonArgument JsonFormat JsonReturning JsonOutput JsonBehavior`
const CLAUSES = `Alias RangeVar IntoClause TypeName RoleSpec ResTarget SortBy WindowDef RangeSubselect RangeFunction RangeTableFunc
  RangeTableFuncCol RangeTableSample JoinExpr ColumnDef TableLikeClause IndexElem DefElem LockingClause PartitionElem PartitionSpec
  PartitionBoundSpec PartitionRangeDatum SinglePartitionSpec PartitionCmd GroupingSet WithClause InferClause OnConflictClause CTESearchClause
  CTECycleClause CommonTableExpr MergeWhenClause TriggerTransition JsonTable JsonTableColumn JsonTablePathSpec ReturningClause
  ReturningOption ReplicaIdentityStmt AlterTableCmd ATAlterConstraint ObjectWithArgs AccessPriv Constraint CreateOpClassItem StatsElem
  FunctionParameter VacuumRelation PublicationTable PublicationObjSpec`
const STATEMENTS = `SelectStmt InsertStmt UpdateStmt DeleteStmt MergeStmt ReturnStmt CreateSchemaStmt AlterTableStmt AlterCollationStmt
  AlterDomainStmt GrantStmt GrantRoleStmt AlterDefaultPrivilegesStmt CopyStmt VariableSetStmt VariableShowStmt CreateStmt
  CreateTableSpaceStmt DropTableSpaceStmt AlterTableSpaceOptionsStmt AlterTableMoveAllStmt CreateExtensionStmt AlterExtensionStmt
  AlterExtensionContentsStmt CreateFdwStmt AlterFdwStmt CreateForeignServerStmt AlterForeignServerStmt CreateForeignTableStmt
  CreateUserMappingStmt AlterUserMappingStmt DropUserMappingStmt ImportForeignSchemaStmt CreatePolicyStmt AlterPolicyStmt CreateAmStmt
  CreateTrigStmt CreateEventTrigStmt AlterEventTrigStmt CreatePLangStmt CreateRoleStmt AlterRoleStmt AlterRoleSetStmt DropRoleStmt
  CreateSeqStmt AlterSeqStmt DefineStmt CreateDomainStmt CreateOpClassStmt CreateOpFamilyStmt AlterOpFamilyStmt DropStmt TruncateStmt
  CommentStmt SecLabelStmt DeclareCursorStmt ClosePortalStmt FetchStmt IndexStmt CreateStatsStmt AlterStatsStmt CreateFunctionStmt
  AlterFunctionStmt DoStmt CallStmt RenameStmt AlterObjectDependsStmt AlterObjectSchemaStmt AlterOwnerStmt AlterOperatorStmt
  AlterTypeStmt RuleStmt NotifyStmt ListenStmt UnlistenStmt TransactionStmt CompositeTypeStmt CreateEnumStmt CreateRangeStmt AlterEnumStmt
  ViewStmt LoadStmt CreatedbStmt AlterDatabaseStmt AlterDatabaseRefreshCollStmt AlterDatabaseSetStmt DropdbStmt AlterSystemStmt
  ClusterStmt VacuumStmt ExplainStmt CreateTableAsStmt RefreshMatViewStmt CheckPointStmt DiscardStmt LockStmt ConstraintsSetStmt
  ReindexStmt CreateConversionStmt CreateCastStmt CreateTransformStmt PrepareStmt ExecuteStmt DeallocateStmt DropOwnedStmt
  ReassignOwnedStmt AlterTSDictionaryStmt AlterTSConfigurationStmt CreatePublicationStmt AlterPublicationStmt CreateSubscriptionStmt
  AlterSubscriptionStmt DropSubscriptionStmt`

const words = (text: string): string[] => text.split(/\s+/)

export const KNOWN_NODES: ReadonlySet<string> = new Set([VALUES, EXPRESSIONS, CLAUSES, STATEMENTS].flatMap(words))

/**
 * Node types of fields whose JSON is a bare struct (the C field has a concrete type, so libpg_query writes no type name). Key: the field,
 * or `Parent.field` where parents differ. A bare struct under any other field is unknown.
 */
export const STRUCT_FIELDS: ReadonlyMap<string, string> = new Map(
  words(`alias:Alias join_using_alias:Alias rel:RangeVar relation:RangeVar view:RangeVar sequence:RangeVar constrrel:RangeVar pktable:RangeVar
    table:RangeVar typevar:RangeVar identitySequence:RangeVar PartitionCmd.name:RangeVar CreateOpClassItem.name:ObjectWithArgs
    typeName:TypeName ofTypename:TypeName datatype:TypeName storedtype:TypeName returnType:TypeName argType:TypeName sourcetype:TypeName
    targettype:TypeName type_name:TypeName
    over:WindowDef withClause:WithClause intoClause:IntoClause into:IntoClause onConflictClause:OnConflictClause infer:InferClause
    returningClause:ReturningClause search_clause:CTESearchClause cycle_clause:CTECycleClause collClause:CollateClause
    SelectStmt.larg:SelectStmt SelectStmt.rarg:SelectStmt base:CreateStmt setstmt:VariableSetStmt funccall:FuncCall
    AlterDefaultPrivilegesStmt.action:GrantStmt bound:PartitionBoundSpec partbound:PartitionBoundSpec partspec:PartitionSpec
    authrole:RoleSpec newowner:RoleSpec grantor:RoleSpec owner:RoleSpec user:RoleSpec role:RoleSpec newrole:RoleSpec
    func:ObjectWithArgs opername:ObjectWithArgs fromsql:ObjectWithArgs tosql:ObjectWithArgs extname:String pubtable:PublicationTable
    format:JsonFormat returning:JsonReturning on_empty:JsonBehavior on_error:JsonBehavior context_item:JsonValueExpr output:JsonOutput
    pathspec:JsonTablePathSpec JsonArgument.val:JsonValueExpr JsonKeyValue.value:JsonValueExpr JsonParseExpr.expr:JsonValueExpr
    JsonSerializeExpr.expr:JsonValueExpr constructor:JsonAggConstructor JsonObjectAgg.arg:JsonKeyValue JsonArrayAgg.arg:JsonValueExpr`).map(
    (entry) => entry.split(':') as [string, string],
  ),
)
